-- SPDX-License-Identifier: MIT
-- api: what tally-api may do; {api} is its account.  Statistics are written by
-- procedures, with their owner's rights.
GRANT SELECT, INSERT, UPDATE, DELETE ON count_record TO {api};
GRANT SELECT, INSERT ON detection_record TO {api};
GRANT SELECT, INSERT, UPDATE ON camera TO {api};
GRANT SELECT, INSERT, UPDATE (name, tz) ON site TO {api};
GRANT SELECT, INSERT ON time_zone TO {api};
GRANT SELECT, INSERT, UPDATE ON calendar_day TO {api};
GRANT SELECT, INSERT, UPDATE ON calendar_offset TO {api};
GRANT SELECT, INSERT,
	UPDATE (holds_name, expires_at, revoked_at, last_used_at)
	ON token TO {api};
GRANT SELECT, INSERT ON token_camera TO {api};
GRANT SELECT, INSERT ON audit TO {api};
GRANT SELECT, INSERT, DELETE,
	UPDATE (password_hash, role, disabled_at, last_login_at)
	ON user TO {api};
GRANT SELECT, INSERT, DELETE ON user_camera TO {api};
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON session TO {api};
GRANT SELECT, INSERT, UPDATE, DELETE ON shape TO {api};
GRANT SELECT ON config_version TO {api};
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest TO {api};
GRANT SELECT, INSERT, UPDATE ON ingest_camera TO {api};
GRANT SELECT ON ingest_state TO {api};
GRANT SELECT ON setting TO {api};
GRANT SELECT ON stats_quarter TO {api};
GRANT SELECT ON stats_hour TO {api};
GRANT SELECT ON stats_day TO {api};
GRANT SELECT ON stats_week TO {api};
GRANT SELECT ON stats_month TO {api};
GRANT SELECT ON stats_year TO {api};
GRANT SELECT ON stats_weekday_month TO {api};
GRANT SELECT ON stats_weekday_year TO {api};
GRANT SELECT ON stats_profile_month TO {api};
GRANT SELECT ON stats_version TO {api};
GRANT SELECT ON retention TO {api};
GRANT SELECT ON outlier_k TO {api};
GRANT SELECT ON reference_value TO {api};
GRANT SELECT ON time_zone_offset TO {api};
GRANT SELECT ON reference_camera TO {api};
GRANT SELECT, UPDATE (state, note, reviewed_by, reviewed_at)
	ON outlier_backup TO {api};
GRANT SELECT, UPDATE (state, note, reviewed_by, reviewed_at)
	ON outlier_low TO {api};
GRANT SELECT ON outlier TO {api};
GRANT SELECT ON job_run TO {api};
GRANT SELECT ON job_state TO {api};
GRANT SELECT ON backup_state TO {api};
GRANT SELECT, INSERT ON dirty_quarter TO {api};
GRANT SELECT ON reference_version TO {api};
GRANT SELECT, INSERT ON idempotency TO {api};
GRANT SELECT, INSERT, UPDATE (received, inserted, duplicate, replaced, rejected, rejected_kept, unread_line, unread_why, errors) ON upload TO {api};
GRANT SELECT, INSERT ON upload_rejected TO {api};
GRANT SELECT ON health TO {api};
GRANT SELECT ON schema_migration TO {api};
GRANT SELECT ON trigger_failure TO {api};
GRANT SELECT, INSERT ON stream_inbox TO {api};
GRANT SELECT ON stream_log TO {api};
GRANT SELECT ON stream_state TO {api};
GRANT EXECUTE ON PROCEDURE stream_number TO {api};
GRANT EXECUTE ON PROCEDURE roll_up_now TO {api};
GRANT EXECUTE ON PROCEDURE commit_rows TO {api};
