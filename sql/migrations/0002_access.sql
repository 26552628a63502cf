-- SPDX-License-Identifier: MIT
-- 0002: who may do what.  Secrets are kept as hashes only.

CREATE TABLE IF NOT EXISTS token (
	token_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(100) NOT NULL,
	hash BINARY(32) NOT NULL UNIQUE,
	scopes SET('ingest', 'read', 'review', 'admin') NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	expires_at DATETIME NULL,
	revoked_at DATETIME NULL,
	last_used_at DATETIME NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS token_camera (
	token_id INT UNSIGNED NOT NULL,
	camera_id INT UNSIGNED NOT NULL,
	PRIMARY KEY (token_id, camera_id),
	CONSTRAINT token_camera_token FOREIGN KEY (token_id)
		REFERENCES token (token_id) ON DELETE CASCADE,
	CONSTRAINT token_camera_camera FOREIGN KEY (camera_id)
		REFERENCES camera (camera_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS user (
	user_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(100) NOT NULL UNIQUE,
	password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS session (
	hash BINARY(32) NOT NULL PRIMARY KEY,
	user_id INT UNSIGNED NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	expires_at DATETIME NOT NULL,
	KEY expires_at (expires_at),
	CONSTRAINT session_user FOREIGN KEY (user_id)
		REFERENCES user (user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
