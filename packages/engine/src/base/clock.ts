import { Clock } from "@gantry/common/clock";

const clock = new Clock();

/** Nanoseconds since 1970; follows steps of the machine's clock. */
export const nowNs = (): bigint => clock.nowNs();

/** The present as Docker writes times: RFC 3339 in UTC with nine digits of fraction. */
export const now = (): string => clock.now();

/** Nanoseconds of seconds with a fraction, as filters give them. */
export function secondsToNs(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9));
}
