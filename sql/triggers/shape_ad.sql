-- SPDX-License-Identifier: MIT
-- shape_ad: what ingest counts with has changed.
CREATE OR REPLACE TRIGGER shape_ad AFTER DELETE ON shape FOR EACH ROW
UPDATE config_version SET version = version + 1
