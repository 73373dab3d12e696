/** As much of the host's api.js as the panel uses. */
export const api: EventTarget & {
    fetchApi(route: string): Promise<Response>;
    queuePrompt(...given: any[]): Promise<{ prompt_id?: string } | undefined>;
};
