-- SPDX-License-Identifier: MIT
-- remove_camera: takes a camera away with all that is known about it, at most
-- rows_max raw rows and as many detection records a call: call it again until done is 1.  Returns one row:
-- rows_n, those deleted by this call, and done.  Only for data that nobody will
-- miss, such as the sample: any other camera retires.
-- What one call leaves is sound: the quarters of the rows it deleted are marked.
-- A token bound to this camera alone is revoked, and such a log-in disabled, for
-- without the binding they would be good for all cameras.
CREATE OR REPLACE PROCEDURE remove_camera(p_camera_id INT UNSIGNED,
					  p_rows_max INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_rows INT UNSIGNED;
	DECLARE v_next DATETIME;
	DECLARE v_end DATETIME;
	DECLARE v_done BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		SET @tally_removed = NULL;
		ROLLBACK;
		DO RELEASE_LOCK(roll_up_lock());
		RESIGNAL;
	END;

	-- A roll-up beside this would count what is about to go.
	IF COALESCE(GET_LOCK(roll_up_lock(), 20), 0) <> 1 THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'a roll-up is still running after 20 s; try again';
	END IF;
	START TRANSACTION;
	SET v_next = (SELECT start_at FROM count_record
		      WHERE camera_id = p_camera_id
		      ORDER BY start_at LIMIT p_rows_max, 1);
	SET v_end = COALESCE(v_next, '9999-12-31');
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	SELECT DISTINCT start_at - INTERVAL (TO_SECONDS(start_at) MOD 900) SECOND,
	       camera_id
	FROM count_record
	WHERE camera_id = p_camera_id AND start_at < v_end;
	DELETE FROM outlier_backup
	WHERE camera_id = p_camera_id AND start_at < v_end;
	DELETE FROM outlier_low
	WHERE camera_id = p_camera_id AND start_at < v_end;
	SET @tally_removed = p_camera_id;
	DELETE FROM count_record
	WHERE camera_id = p_camera_id AND start_at < v_end;
	SET v_rows = ROW_COUNT();
	DELETE FROM detection_record WHERE camera_id = p_camera_id
	LIMIT p_rows_max;
	SET v_done = v_next IS NULL AND ROW_COUNT() < p_rows_max;
	IF v_done THEN
		UPDATE token t JOIN token_camera b USING (token_id)
		SET t.revoked_at = COALESCE(t.revoked_at, UTC_TIMESTAMP()),
		    t.holds_name = NULL
		WHERE b.camera_id = p_camera_id AND NOT EXISTS (
			SELECT 1 FROM token_camera o
			WHERE o.token_id = t.token_id
			  AND o.camera_id <> p_camera_id);
		DELETE FROM token_camera WHERE camera_id = p_camera_id;
		UPDATE user u JOIN user_camera b USING (user_id)
		SET u.disabled_at = COALESCE(u.disabled_at, UTC_TIMESTAMP())
		WHERE b.camera_id = p_camera_id AND NOT EXISTS (
			SELECT 1 FROM user_camera o
			WHERE o.user_id = u.user_id
			  AND o.camera_id <> p_camera_id);
		DELETE FROM user_camera WHERE camera_id = p_camera_id;
		DELETE FROM camera WHERE camera_id = p_camera_id;
	END IF;
	COMMIT;
	SET @tally_removed = NULL;
	DO RELEASE_LOCK(roll_up_lock());
	SELECT v_rows AS rows_n, v_done AS done;
END
