-- SPDX-License-Identifier: MIT
-- account: of a person who works in SQL, over TLS alone.  {account} stands for
-- the quoted name and host, {hash} for the hash of the password.  The limits
-- keep one of them from taking the server away from the others.
CREATE USER {account}
	IDENTIFIED VIA mysql_native_password USING '{hash}'
	REQUIRE SSL
	WITH MAX_USER_CONNECTIONS 20 MAX_STATEMENT_TIME 300;
