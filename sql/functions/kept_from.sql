-- SPDX-License-Identifier: MIT
-- kept_from: from when on a level is kept; long ago for all of it.
CREATE OR REPLACE FUNCTION kept_from(p_level VARCHAR(20)) RETURNS DATETIME
READS SQL DATA
RETURN COALESCE((SELECT r.kept_from FROM retention r WHERE r.level = p_level),
		'1000-01-01')
