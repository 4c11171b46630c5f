// What the build provides.

// The classes of the handles, when they are loaded, and the URL where the discovery of the server starts, or null for the domain of
// the user.
export const environment = { handles: undefined, root: null };
