// Calls newer than a profile, reported as absent.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <vector>

namespace gantry {

/** The largest call number that a profile names, for each architecture (a SCMP_ARCH_ token, which is AUDIT_ARCH_). */
using LargestCalls = std::map<uint32_t, uint32_t>;

/**
 * Instructions that go before a program: a call with a larger number than any that the profile names fails with
 * ENOSYS. A program that must run on older kernels takes that as "not there" and falls back; the default action's
 * EPERM it would take as the final word.
 */
std::vector<sock_filter> refuseNewerCalls(const LargestCalls& largest);

}  // namespace gantry
