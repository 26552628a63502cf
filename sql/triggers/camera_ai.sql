-- SPDX-License-Identifier: MIT
-- camera_ai: who reads the statistics of all cameras has one more.
CREATE OR REPLACE TRIGGER camera_ai AFTER INSERT ON camera FOR EACH ROW
UPDATE stats_version SET version = version + 1
