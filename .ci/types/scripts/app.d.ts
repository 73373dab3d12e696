/** The host's app.js; the panel asks it for what versions of the host may lack, so nothing is promised. */
export const app: any;
