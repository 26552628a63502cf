// SPDX-License-Identifier: MIT
#include "common/db/stmt.h"

const struct stmt_def stmt_defs[] = {
#define STMT(name, args, cols, text) {#name, args, cols, text},
#include "sql/statements.def"
#undef STMT
};
