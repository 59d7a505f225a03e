# Varnish in each role that matters to validators, one port a role. `@`-enclosed names are filled in by kit/proxies.py.
vcl 4.1;

import std;

backend gunicorn {
    .host = "@origin-host@";
    .port = "@origin-port@";
}

sub vcl_recv {
    # The tests' own questions to the origin.
    if (req.http.X-Stack == "control") {
        return (pass);
    }
    set req.http.X-Role = local.socket;
    if (req.http.X-Role == "varnish-pass") {
        return (pass);
    }
}

# What no site needs: one cache for several roles, and a field that chooses the application.
sub vcl_hash {
    hash_data(req.http.X-Role);
    hash_data(req.http.X-Stack);
}

sub vcl_backend_response {
    if (bereq.http.X-Role == "varnish-gzip") {
        set beresp.do_gzip = true;
    }
    if (bereq.http.X-Role == "varnish-esi") {
        set beresp.do_esi = true;
    }
    if (bereq.http.X-Role == "varnish-esi-untagged") {
        set beresp.do_esi = true;
        unset beresp.http.ETag;
        unset beresp.http.Last-Modified;
    }
    # What CDNs do by themselves (RFC 9213): their own field counts, and Cache-Control is for browsers.
    if (bereq.http.X-Role == "varnish-cdn" && beresp.http.CDN-Cache-Control ~ "max-age=[0-9]+") {
        set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control, ".*max-age=([0-9]+).*", "\1s"), 0s);
        unset beresp.http.CDN-Cache-Control;
        return (deliver);
    }
    if (bereq.http.X-Role == "varnish-grace") {
        set beresp.ttl = 100ms;
        set beresp.grace = 1m;
        return (deliver);
    }
}
