-- SPDX-License-Identifier: MIT
-- 0020: what a log-in may do, and sessions that end when nobody uses them.

-- Whoever could log in before there were roles could do everything, and can.
ALTER TABLE user
	ADD COLUMN IF NOT EXISTS role ENUM('viewer', 'reviewer', 'admin')
		NOT NULL DEFAULT 'admin' AFTER password_hash,
	ADD COLUMN IF NOT EXISTS disabled_at DATETIME NULL,
	ADD COLUMN IF NOT EXISTS last_login_at DATETIME NULL;

ALTER TABLE user ALTER COLUMN role SET DEFAULT 'viewer';

CREATE TABLE IF NOT EXISTS user_camera (
	user_id INT UNSIGNED NOT NULL,
	camera_id INT UNSIGNED NOT NULL,
	PRIMARY KEY (user_id, camera_id),
	CONSTRAINT user_camera_user FOREIGN KEY (user_id)
		REFERENCES user (user_id) ON DELETE CASCADE,
	CONSTRAINT user_camera_camera FOREIGN KEY (camera_id)
		REFERENCES camera (camera_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

ALTER TABLE session
	ADD COLUMN IF NOT EXISTS used_at DATETIME NOT NULL
		DEFAULT (UTC_TIMESTAMP()) AFTER created_at;
