-- SPDX-License-Identifier: MIT
-- camera_ai: who reads the statistics of all cameras has one more, and ingest
-- may.
CREATE OR REPLACE TRIGGER camera_ai AFTER INSERT ON camera FOR EACH ROW
BEGIN
	UPDATE stats_version SET version = version + 1;
	UPDATE config_version SET version = version + 1;
END
