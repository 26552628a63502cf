-- SPDX-License-Identifier: MIT
-- 0014: the replies to requests that carried an Idempotency-Key, each stored in
-- the transaction of its rows: who sends the same again gets the same reply.
-- fingerprint: SHA-256 of what was asked.  Kept for idempotency_days, which has
-- to be longer than any outage a sender sits out.

CREATE TABLE IF NOT EXISTS idempotency (
	token_id INT UNSIGNED NOT NULL,
	idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	fingerprint BINARY(32) NOT NULL,
	reply MEDIUMTEXT NOT NULL,
	at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	PRIMARY KEY (token_id, idempotency_key),
	KEY at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO setting (name, value) VALUES ('idempotency_days', '30');
