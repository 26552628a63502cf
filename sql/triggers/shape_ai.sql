-- SPDX-License-Identifier: MIT
-- shape_ai: what ingest counts with has changed.
CREATE OR REPLACE TRIGGER shape_ai AFTER INSERT ON shape FOR EACH ROW
UPDATE config_version SET version = version + 1
