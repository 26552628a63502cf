-- SPDX-License-Identifier: MIT
-- stream_look: what became of each camera since the last look goes to stream_log,
-- behind p_seq, which moves on.  In the transaction of stream_number.  The states
-- are those of GET /cameras (api/cameras.c).  A camera whose newest row is older
-- than five days is silent, whatever the length of that row.
-- The first look of all (p_first) only learns how things are.
CREATE OR REPLACE PROCEDURE stream_look(p_first BOOLEAN,
					INOUT p_seq BIGINT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	FOR c IN (
		SELECT n.camera_id, n.state
		FROM (SELECT c.camera_id, c.code, CASE
			WHEN c.retired_at IS NOT NULL THEN 'retired'
			WHEN r.end_at IS NOT NULL THEN IF(
				UTC_TIMESTAMP() > r.end_at + INTERVAL
				GREATEST(60, 3 * TIMESTAMPDIFF(SECOND,
					r.start_at, r.end_at)) SECOND,
				'silent', 'live')
			WHEN EXISTS (SELECT 1 FROM count_record o
				     WHERE o.camera_id = c.camera_id)
			  OR EXISTS (SELECT 1 FROM stats_quarter q
				     WHERE q.camera_id = c.camera_id)
				THEN 'silent'
			ELSE 'new' END AS state
		      FROM camera c
		      LEFT JOIN count_record r ON r.camera_id = c.camera_id
			AND r.start_at = (
				SELECT w.start_at FROM count_record w
				WHERE w.camera_id = c.camera_id
				  AND w.start_at > UTC_TIMESTAMP()
					- INTERVAL 5 DAY
				ORDER BY w.start_at DESC LIMIT 1)) n
		LEFT JOIN stream_camera s ON s.camera_id = n.camera_id
		WHERE NOT n.state <=> s.state
		  AND (n.state <> 'new' OR n.code <> COALESCE((
			SELECT value FROM setting
			WHERE name = 'default_camera'), ''))
		ORDER BY n.camera_id)
	DO
		INSERT INTO stream_camera (camera_id, state)
		VALUES (c.camera_id, c.state)
		ON DUPLICATE KEY UPDATE state = VALUES(state);
		IF NOT p_first THEN
			SET p_seq = p_seq + 1;
			INSERT INTO stream_log (seq, row_n, camera_id, state,
						logged_at)
			VALUES (p_seq, 0, c.camera_id, c.state,
				UTC_TIMESTAMP());
		END IF;
	END FOR;
	-- Found without a lock: a camera may be in somebody's hands for long.
	FOR g IN (SELECT s.camera_id FROM stream_camera s
		  LEFT JOIN camera c ON c.camera_id = s.camera_id
		  WHERE c.camera_id IS NULL)
	DO
		DELETE FROM stream_camera WHERE camera_id = g.camera_id;
	END FOR;
END
