-- SPDX-License-Identifier: MIT
-- 0009: what the table `test` of 2021 needs to be a view that takes rows: every
-- column it shows is a column, and those it does not show have a default.  The
-- table is copied, once.

-- Stands for the default camera; count_record_bi puts that one's number there.
-- Not 0, which a program's mistake may well be: that stays refused.
ALTER TABLE count_record ALTER camera_id SET DEFAULT 4294967295;

-- A number for the row, computed: the camera, then seconds since 2000.  Not
-- among the columns of SELECT * and INSERT without a list.
ALTER TABLE count_record ADD COLUMN IF NOT EXISTS id BIGINT UNSIGNED
	AS (camera_id << 32 | TO_SECONDS(start_at) - 63113904000)
	VIRTUAL INVISIBLE;
