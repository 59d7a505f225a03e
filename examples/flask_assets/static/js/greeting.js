export const greeting = "Asked for once";
