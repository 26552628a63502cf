-- SPDX-License-Identifier: MIT
-- default_camera: the camera of rows that name none, by the setting.
CREATE OR REPLACE FUNCTION default_camera() RETURNS INT UNSIGNED
READS SQL DATA
BEGIN
	DECLARE v_camera_id INT UNSIGNED DEFAULT (
		SELECT c.camera_id FROM setting s JOIN camera c
			ON c.code = CONVERT(s.value USING ascii)
		WHERE s.name = 'default_camera');

	IF v_camera_id IS NULL THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'no camera named, and setting default_camera names none';
	END IF;
	RETURN v_camera_id;
END
