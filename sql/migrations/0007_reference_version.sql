-- SPDX-License-Identifier: MIT
-- 0007: a number that changes whenever any reference does, so that a writer
-- who remembers references knows when to forget them.

CREATE TABLE IF NOT EXISTS reference_version (
	only_row TINYINT UNSIGNED NOT NULL PRIMARY KEY DEFAULT 1
		CHECK (only_row = 1),
	version BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO reference_version (version) VALUES (1);
