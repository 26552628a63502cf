// SPDX-License-Identifier: MIT
#ifndef TALLY_COMMON_VERSION_H
#define TALLY_COMMON_VERSION_H

#define TALLY_VERSION "0.1.0"

#endif
