-- SPDX-License-Identifier: MIT
-- The first that `tally migrate` runs: a schema, and in it the list of the
-- migrations it has had.
CREATE DATABASE IF NOT EXISTS {schema}
	CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {schema}.schema_migration (
	version INT UNSIGNED NOT NULL PRIMARY KEY,
	name VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	applied_at DATETIME NOT NULL
) ENGINE=InnoDB;
