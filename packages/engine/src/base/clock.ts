import { Clock } from "@gantry/common/clock";

const clock = new Clock();

/** Nanoseconds since 1970; follows steps of the machine's clock. */
export const nowNs = (): bigint => clock.nowNs();

/** The present as Docker writes times: RFC 3339 in UTC with nine digits of fraction. */
export const now = (): string => clock.now();
