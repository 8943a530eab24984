import { test } from "tap";
import { signalName, signalNumber } from "../src/index.ts";
import { formatAddress, parseAddress, parsePrefix } from "../src/netlink/index.ts";

test("addresses: text to bytes and back in the short form", async (t) => {
  const short: Record<string, string> = {
    "192.0.2.1": "192.0.2.1",
    "::": "::",
    "::1": "::1",
    "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "fe80::": "fe80::",
    "::ffff:192.0.2.1": "::ffff:c000:201",
  };
  for (const [text, expected] of Object.entries(short)) t.equal(formatAddress(parseAddress(text)), expected, text);
  for (const wrong of ["", "1.2.3", "1.2.3.4.5", "::1::", "fe80::1%eth0", "host"]) {
    t.throws(() => parseAddress(wrong), /is not an IPv4 or IPv6 address/, wrong);
  }
});

test("prefixes have a length that fits", async (t) => {
  t.match(parsePrefix("10.0.0.0/8"), { bits: 8 });
  t.match(parsePrefix("2001:db8::1"), { bits: 128 });
  for (const wrong of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::/129"])
    t.throws(() => parsePrefix(wrong), /prefix length|not an IPv4/, wrong);
});

test("signals by every name people use", async (t) => {
  const named: Record<string, number | undefined> = {
    TERM: 15,
    sigkill: 9,
    "9": 9,
    CLD: 17,
    "SIGRTMIN+3": 37,
    "rtmax-1": 63,
    RTMIN: 34,
  };
  for (const [text, number] of Object.entries(named)) t.equal(signalNumber(text), number, text);
  for (const wrong of ["", "0", "65", "NOPE", "RTMIN-1", "RTMAX+1", "toString"])
    t.equal(signalNumber(wrong), undefined, wrong);
  t.equal(signalName(15), "SIGTERM");
  t.equal(signalName(37), "SIGRTMIN+3");
  t.equal(signalName(0), undefined);
});
