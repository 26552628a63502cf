-- SPDX-License-Identifier: MIT
-- 0013: names that valid tokens have alone, and who changed what.

-- 1 for the one token that holds its name, NULL for those that were revoked,
-- rotated, or had expired when another one took it.
ALTER TABLE token ADD COLUMN IF NOT EXISTS
	holds_name TINYINT UNSIGNED NULL DEFAULT 1 AFTER name;

UPDATE token SET holds_name = NULL
WHERE revoked_at IS NOT NULL OR expires_at <= UTC_TIMESTAMP();

-- Of valid tokens with one name the first keeps it, the others get their id
-- behind it.
UPDATE token t
JOIN (SELECT name, MIN(token_id) AS first_id
      FROM token WHERE holds_name = 1 GROUP BY name) f
	ON f.name = t.name AND f.first_id < t.token_id
SET t.name = CONCAT(LEFT(t.name, 85), '-', t.token_id)
WHERE t.holds_name = 1;

-- Should that name be another's, too: known by its id alone.
UPDATE token t
JOIN (SELECT name, MIN(token_id) AS first_id
      FROM token WHERE holds_name = 1 GROUP BY name) f
	ON f.name = t.name AND f.first_id < t.token_id
SET t.holds_name = NULL
WHERE t.holds_name = 1;

ALTER TABLE token ADD UNIQUE KEY IF NOT EXISTS name (name, holds_name);

CREATE TABLE IF NOT EXISTS audit (
	audit_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	actor_kind ENUM('command', 'token', 'user') NOT NULL,
	actor_id INT UNSIGNED NULL,
	actor VARCHAR(100) NOT NULL,
	address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL,
	action VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	subject VARCHAR(200) NULL,
	detail MEDIUMTEXT NULL CHECK (JSON_VALID(detail)),
	KEY at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO setting (name, value) VALUES ('audit_days', '365');
