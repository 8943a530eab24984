const two = (number: number): string => String(number).padStart(2, "0");

/** "+0200", or "+02:00" with a colon, of the local zone at that moment. */
function offset(date: Date, colon: string): string {
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? "-" : "+";
  return `${sign}${two(Math.floor(Math.abs(minutes) / 60))}${colon}${two(Math.abs(minutes) % 60)}`;
}

function localDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function localClock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Go's Time.String() of Unix seconds, in local time: "2006-01-02 15:04:05 -0700 MST". */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return `${localDay(date)} ${localClock(date)} ${offset(date, "")} ${zoneName(date)}`;
}

/** "UTC", "CEST"; an offset where the zone has no short name. */
function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return "UTC";
  const name = /\(([A-Z]{2,5})\)$/.exec(date.toString())?.[1];
  return name ?? offset(date, "").replace(/00$/, "");
}

/** RFC 3339 with nine digits, in local time, of Unix nanoseconds as text. */
export function rfc3339Nano(nanoseconds: string): string {
  const nanos = BigInt(nanoseconds);
  const date = new Date(Number(nanos / 1_000_000n));
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0");
  const zone = date.getTimezoneOffset() === 0 ? "Z" : offset(date, ":");
  return `${localDay(date)}T${localClock(date)}.${fraction}${zone}`;
}

/** A moment as docker version shows it: "Thu Apr 13 13:45:08 2023"; any other text is returned unchanged. */
export function ansiDate(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const [weekday, month, day, year] = date.toDateString().split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${localClock(date)} ${year}`;
}
