-- SPDX-License-Identifier: MIT
-- write: rows of counts, under either name, and what it takes to find them.
-- Triggers do the rest with their owner's rights.
GRANT SELECT, INSERT, UPDATE, DELETE ON count_record TO {account};
GRANT SELECT, INSERT, UPDATE, DELETE ON test TO {account};
GRANT SELECT ON site TO {account};
GRANT SELECT ON camera TO {account};
