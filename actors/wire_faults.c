/* SPDX-License-Identifier: MIT */
/* Faults of the simulated wire that a test asks for: by the name of a place, or of one connection. */
#include <weft/testing_stream.h>

#include "wire.h"

/* errors: EINVAL, ENOMEM. */
static weft_err place_of(weft_sim *sim, const char *text, wire_place **out)
{
    weft_url url;
    weft_address address;
    weft_err err = weft_url_parse(text, &url, NULL);
    if (err != WEFT_OK || url.scheme != WEFT_SCHEME_SIM)
        return WEFT_EINVAL;
    err = wf_wire_address(&address, url.host.name, url.host.port, NULL);
    if (err != WEFT_OK)
        return err;
    *out = wf_wire_place(sim, &address);
    return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
}

/* NULL: it is not, or no longer, an end of a link. */
static wire_link *link_of(weft_sim *sim, weft_ref stream)
{
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        for (int i = 0; i < 2; i++)
            if (link->end[i].c != NULL && weft_ref_same(link->end[i].stream, stream))
                return link;
    return NULL;
}

/* Who connects has seen the outcome: before, there is nothing to be lost. */
static bool is_up(const wire_link *link)
{
    return link->answered && !link->refused && weft_arrive_wait_ms(&link->opening) == UINT32_MAX;
}

static void drop(wire_link *link)
{
    wf_wire_note(link, "fault: dropped");
    for (int i = 0; i < 2; i++)
        if (!link->end[i].closed)
            wf_wire_lose(&link->end[i]);
}

weft_err weft_sim_drop(weft_sim *sim, const char *url, unsigned *dropped)
{
    wire_place *place;
    unsigned n = 0;
    weft_err err = place_of(sim, url, &place);
    if (err != WEFT_OK)
        return err;
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        if (link->place == place && is_up(link)) {
            drop(link);
            n++;
        }
    if (dropped != NULL)
        *dropped = n;
    return WEFT_OK;
}

weft_err weft_sim_drop_stream(weft_sim *sim, weft_ref stream)
{
    wire_link *link = link_of(sim, stream);
    if (link == NULL || !is_up(link))
        return WEFT_EGONE;
    drop(link);
    return WEFT_OK;
}

weft_err weft_sim_delay(weft_sim *sim, const char *url, uint32_t ms)
{
    wire_place *place;
    weft_err err = place_of(sim, url, &place);
    if (err == WEFT_OK)
        place->delay_ms = ms;
    return err;
}

weft_err weft_sim_delay_stream(weft_sim *sim, weft_ref stream, uint32_t ms)
{
    wire_link *link = link_of(sim, stream);
    if (link == NULL)
        return WEFT_EGONE;
    link->delay_ms = ms;
    return WEFT_OK;
}

weft_err weft_sim_partition(weft_sim *sim, const char *url, uint32_t ms)
{
    wire_place *place;
    weft_err err = place_of(sim, url, &place);
    if (err != WEFT_OK)
        return err;
    place->cut_until = weft_sim_now(sim) + ms;
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        if (link->place == place) {
            wf_wire_note(link, "fault: cut off for %u ms", ms);
            wf_wire_hold(link, place->cut_until);
        }
    return WEFT_OK;
}
