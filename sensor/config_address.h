/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as values of a configuration: what they may be, and what is wrong with one. */
#ifndef SENSOR_CONFIG_ADDRESS_H
#define SENSOR_CONFIG_ADDRESS_H

#include "sensor/config.h"

#define CONFIG_REASON      200
#define CONFIG_HOST_TEXT   256
#define CONFIG_SOCKET_PATH 107 /* sockaddr_un has 108 bytes */

/* Each: is it one? false: `reason` says what it is not, printable and without a password. */

/* ADDRESS:PORT that nobody but this machine reaches. */
bool config_address_is_listen(const char *text, char reason[CONFIG_REASON]);
/* HOST, HOST:PORT, [ADDRESS]:PORT or the path of a socket. */
bool config_address_is_redis(const char *text, char reason[CONFIG_REASON]);
/* HOST, HOST:PORT or [ADDRESS]:PORT. */
bool config_address_is_host(const char *text, char reason[CONFIG_REASON]);
/* http or https, a host, and no user or password. */
bool config_address_is_url(const char *text, char reason[CONFIG_REASON]);
/* HOST and PORT of what config_address_is_host() takes; no port: "". */
void config_address_host(const char *text, char host[CONFIG_HOST_TEXT], char port[6]);
/* ADDRESS[@PORT][#NAME], ZONE=ADDRESS[@PORT]: as online/resolve.h takes them. */
bool config_address_is_forward(const char *text, char reason[CONFIG_REASON]);
bool config_address_is_stub(const char *text, char reason[CONFIG_REASON]);
/* A store (store/where.h). One that is a file has its path in `path`, the others "". */
bool config_address_is_store(const char *text, char path[CONFIG_PATH], char reason[CONFIG_REASON]);

/* scheme://user:password@...: it must be neither kept nor shown. */
bool config_address_has_password(const char *text);

#endif
