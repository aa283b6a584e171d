/** Code of our pages: see vite-snippets.ts. */
declare module "snippet:*";
