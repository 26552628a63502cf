// SPDX-License-Identifier: MIT
#include "api/status.h"

const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{200, "OK"},
		{201, "Created"},
		{204, "No Content"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "Error";
}

struct status_meaning status_of(enum err e)
{
	switch (e) {
	case E_NOT_FOUND:
		return (struct status_meaning){
			404, "not-found", "there is no such object"};
	case E_EXISTS:
		return (struct status_meaning){
			409, "exists", "it exists already"};
	case E_CONFLICT:
		return (struct status_meaning){
			409, "conflict", "it is stored with other values"};
	case E_INVALID:
	case E_SYNTAX:
		return (struct status_meaning){
			422, "invalid", "a value is not valid"};
	case E_TOO_BIG:
		return (struct status_meaning){413, "too-large",
			"the answer or the request is over "
			"its bound; ask for less at once"};
	case E_FULL:
		return (struct status_meaning){
			503, "busy", "too much is waiting already; try again"};
	case E_BUSY:
	case E_TIMEOUT:
		return (struct status_meaning){
			503, "busy", "somebody else is doing this; try again"};
	case E_DB_GONE:
	case E_NETWORK:
		return (struct status_meaning){503, "database-unavailable",
			"the database is not reachable; try again"};
	case E_OK:
	case E_NOMEM:
	case E_IO:
	case E_CORRUPT:
	case E_REFUSED:
	case E_DB:
		break;
	}
	return (struct status_meaning){
		500, "internal", "the server failed; its log says more"};
}
