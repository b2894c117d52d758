/* SPDX-License-Identifier: MIT */
/* Ask: a customer asks a shop, which asks who knows the prices. usage: 04_ask [SKU [COUNT]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/weft.h>

/* [messages] */
/** What is the price of @sku? The reply is price. */
typedef struct price_query {
    uint64_t sku;
} price_query;
typedef struct price {
    uint64_t cents;
} price;

/** What do @count pieces of @sku cost? The reply is quote. */
typedef struct quote_request {
    uint64_t sku, count;
} quote_request;
typedef struct quote {
    uint64_t sku, cents;
} quote;

static const weft_type price_type = WEFT_TYPE("price", price, NULL);
static const weft_type price_query_type = WEFT_TYPE("price_query", price_query, &price_type);
static const weft_type quote_type = WEFT_TYPE("quote", quote, NULL);
static const weft_type quote_request_type = WEFT_TYPE("quote_request", quote_request, &quote_type);
/* [/messages] */

/* [prices] */
/* Knows two prices; for the third it would have to telephone, and nobody answers there. */
typedef struct prices {
    weft_msg *calling;
} prices;

static weft_err on_price_query(weft_actor *self, weft_msg *msg)
{
    prices *p = weft_state(self);
    const price_query *q = weft_body(msg);

    if (q->sku == 1)
        return weft_reply(msg, price, .cents = 250);
    if (q->sku == 2)
        return weft_reply(msg, price, .cents = 1999);
    if (q->sku != 3)
        return weft_fail(msg, WEFT_ENOTFOUND, "nobody sells it");
    if (p->calling != NULL)
        return weft_fail(msg, WEFT_EFULL, "the line is busy");
    p->calling = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    prices *p = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);

    if (cancelled->msg == p->calling)
        weft_drop(&p->calling);
    weft_log(self, WEFT_NOTICE, "stopped calling");
    return WEFT_OK;
}

static const weft_handler prices_handlers[] = {
    {.type = &price_query_type, .fn = on_price_query},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {0},
};
static const weft_behaviour prices_behaviour = {
    .name = "prices", .handlers = prices_handlers, .state_bytes = sizeof(prices)};
/* [/prices] */

/* [shop] */
typedef struct shop {
    weft_ref prices;
} shop;

static weft_err on_shop_started(weft_actor *self, weft_msg *msg)
{
    shop *s = weft_state(self);
    (void)msg;

    s->prices = weft_spawn(self, &prices_behaviour, NULL);
    return WEFT_OK;
}

static weft_err on_quote_priced(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const quote_request *q = weft_body(msg);
    const price *p = got->body;
    (void)self;

    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "no price for sku %" PRIu64 ": %s", q->sku, got->why);

    return weft_reply(msg, quote, .sku = q->sku, .cents = p->cents * q->count);
}

static weft_err on_quote(weft_actor *self, weft_msg *msg)
{
    const shop *s = weft_state(self);
    const quote_request *q = weft_body(msg);

    return weft_when(msg, weft_ask(self, s->prices, price_query, .sku = q->sku), on_quote_priced);
}
/* [/shop] */

static const weft_handler shop_handlers[] = {
    {.type = &weft_started_type, .fn = on_shop_started},
    {.type = &quote_request_type, .fn = on_quote},
    {0},
};
static const weft_behaviour shop_behaviour = {
    .name = "shop", .handlers = shop_handlers, .state_bytes = sizeof(shop)};

/* [customer] */
static weft_err on_quoted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const quote *q = got->body;
    (void)msg;

    if (got->err != WEFT_OK)
        (void)printf("%s: %s\n", weft_err_name(got->err), got->why);
    else
        (void)printf("sku %" PRIu64 ": %" PRIu64 " cents\n", q->sku, q->cents);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_customer_started(weft_actor *self, weft_msg *msg)
{
    const quote_request *wanted = weft_config(self);
    weft_ref seller = weft_spawn(self, &shop_behaviour, NULL);

    return weft_when(msg,
                     weft_ask_within(self, seller, 100, quote_request, .sku = wanted->sku,
                                     .count = wanted->count),
                     on_quoted);
}
/* [/customer] */

static const weft_handler customer_handlers[] = {
    {.type = &weft_started_type, .fn = on_customer_started},
    {0},
};
static const weft_behaviour customer = {.name = "customer", .handlers = customer_handlers};

int main(int argc, char **argv)
{
    quote_request wanted = {.sku = argc > 1 ? strtoull(argv[1], NULL, 10) : 1,
                            .count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    weft_system *sys = weft_system_new(NULL);

    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &customer, &wanted)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}
