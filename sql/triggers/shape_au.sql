-- SPDX-License-Identifier: MIT
-- shape_au: what ingest counts with has changed.
CREATE OR REPLACE TRIGGER shape_au AFTER UPDATE ON shape FOR EACH ROW
UPDATE config_version SET version = version + 1
