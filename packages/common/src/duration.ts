const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** A span of time in rough words, as Docker (go-units' HumanDuration) writes it: "About a minute", "3 hours". */
export function humanDuration(seconds: number): string {
  if (seconds < 1) return "Less than a second";
  if (seconds < 2) return "1 second";
  if (seconds < minute) return `${Math.floor(seconds)} seconds`;
  if (seconds < 2 * minute) return "About a minute";
  if (seconds < hour) return `${Math.floor(seconds / minute)} minutes`;
  const hours = Math.floor(seconds / hour + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(seconds / day / 365)} years`;
}

/** How long ago a moment was, as Docker's tables show it; "N/A" for a moment that is not known (0 or less). */
export function ago(unixSeconds: number, nowSeconds: number): string {
  return unixSeconds <= 0 ? "N/A" : `${humanDuration(nowSeconds - unixSeconds)} ago`;
}
