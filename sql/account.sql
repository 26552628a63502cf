-- SPDX-License-Identifier: MIT
-- A program's account: {account} stands for the quoted name and host, {hash}
-- for the hash of its password, empty where it has none.
CREATE USER IF NOT EXISTS {account}
	IDENTIFIED VIA mysql_native_password USING '{hash}';

ALTER USER {account}
	IDENTIFIED VIA mysql_native_password USING '{hash}';
