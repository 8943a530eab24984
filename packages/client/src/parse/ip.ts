import type * as Net from "node:net";

/** node:net takes more than a millisecond to load, so it is loaded for the first address. */
const net = (): typeof Net => process.getBuiltinModule("node:net");

/** 4 or 6 for an address of that version, else 0. */
export const isIP = (text: string): number => net().isIP(text);
export const isIPv4 = (text: string): boolean => net().isIPv4(text);
export const isIPv6 = (text: string): boolean => net().isIPv6(text);
