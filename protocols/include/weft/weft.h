/* SPDX-License-Identifier: MIT */
/** Everything a program includes. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include <weft/app.h>
#include <weft/auth.h>
#include <weft/console.h>
#include <weft/datagram.h>
#include <weft/descriptors.h>
#include <weft/editor.h>
#include <weft/etcd.h>
#include <weft/fiber.h>
#include <weft/form.h>
#include <weft/framing.h>
#include <weft/http.h>
#include <weft/http_client.h>
#include <weft/http_form.h>
#include <weft/http_session.h>
#include <weft/irc.h>
#include <weft/isolated.h>
#include <weft/leader.h>
#include <weft/loop.h>
#include <weft/mail.h>
#include <weft/members.h>
#include <weft/net.h>
#include <weft/node.h>
#include <weft/operate.h>
#include <weft/pool.h>
#include <weft/process.h>
#include <weft/reconnect.h>
#include <weft/registry.h>
#include <weft/resolver.h>
#include <weft/smtp.h>
#include <weft/socks.h>
#include <weft/sp.h>
#include <weft/sse.h>
#include <weft/ssh.h>
#include <weft/ssh_client.h>
#include <weft/stage.h>
#include <weft/stream.h>
#include <weft/supervisor.h>
#include <weft/sync.h>
#include <weft/system.h>
#include <weft/telnet.h>
#include <weft/topic.h>
#include <weft/url.h>
#include <weft/websocket.h>
#include <weft/wire.h>
#include <weft/workers.h>

#endif
