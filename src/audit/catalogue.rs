//! The kinds of findings of `notmodified check`. Their order is that of causes before consequences: of several
//! of one severity the first is what a page's verdict says.

use crate::finding::definitions;

definitions! {
    UNREACHABLE: Error, "unreachable", "No answer",
        "There was no answer that could be looked at: the name has no address, nobody takes connections, TLS fails, or the \
         connection ends before a response. That is no question of caching.",
        "Look at the server, the name and the certificate first.";
    APP_RAISED: Error, "app-raised", "The application raised an exception",
        "Called in-process, the application raised instead of answering.",
        "The exception is in the evidence; give it the environment that it needs, such as DJANGO_SETTINGS_MODULE.";
    REDIRECT_LOOP: Error, "redirect-loop", "Redirects without end",
        "The URL redirects in a loop, or more often than is followed.",
        "Look at who redirects: often a proxy that terminates TLS and does not say so, while the application wants https.",
        "RFC 9110 §15.4",
        ["Django" => "SECURE_PROXY_SSL_HEADER = (\"HTTP_X_FORWARDED_PROTO\", \"https\")",
         "nginx" => "proxy_set_header X-Forwarded-Proto $scheme;"];
    NOT_HTTP: Error, "not-http", "An answer that is no HTTP",
        "The response can't be read: a head that makes no sense or is too long, or a framing that is wrong. Proxies answer \
         502 to it, and some clients read parts of it as another response.",
        "Look at the evidence: often an application sets a length that is not that of its content.",
        "RFC 9112 §6.3", [];
    TRUNCATED: Error, "truncated-body", "Responses that end too early",
        "The body ended before the end that its Content-Length or chunks promise. Caches must not store it as whole \
         (RFC 9111 §3.3), so it is fetched again each time.",
        "Look for a Content-Length that is not that of the content, for workers that are killed, for a proxy's time-outs.",
        "RFC 9112 §8", [];
    TOO_SLOW: Error, "too-slow", "No end within the time allowed",
        "The response did not come, or did not come to its end, within --timeout.",
        "If it is a stream, that is as it should be: leave it out. Else see where the time goes: --origin tells the proxy's part \
         from the application's.";
    ENDLESS: Info, "large-body", "Content that is longer than is looked at",
        "The body is longer than the checker reads. What is beyond was not compared.",
        "Nothing, unless the response has no end at all.";
    RESET_AFTER_304: Error, "reset-after-304", "The connection breaks after a 304",
        "The request after a 304 on the same connection got no proper answer, while one on a connection of its own does: \
         the 304 had content, or a length that somebody waits for, or the server closes without saying so.",
        "Take content and length out of 304s.",
        "RFC 9112 §6.3",
        ["Django" => "MIDDLEWARE = [\"notmodified.django.NotModifiedMiddleware\", ...]",
         "Flask" => "notmodified.flask.NotModified(app)",
         "any WSGI" => "application = notmodified.NotModified(application)"];
    CONTENT_IN_304: Error, "content-in-304", "304s with content",
        "A 304 has no content (RFC 9110 §15.4.5). Clients and proxies take the bytes for the start of the next response, \
         and some load balancers answer 502.",
        "Wrap the application in NotModified, which takes the content and its length out of every 304.",
        "RFC 9110 §15.4.5",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    LENGTH_IN_304: Error, "length-in-304", "304s with a length that is not the content's",
        "A 304 may only say the Content-Length that the 200 would have (RFC 9110 §8.6), and best says none. With another one \
         some proxies wait for content that never comes, and some answer 502.",
        "Wrap the application in NotModified, which takes the length out of every 304.",
        "RFC 9110 §8.6",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    PRECONDITION_BREAKS: Error, "precondition-breaks", "Requests with preconditions that get an error",
        "A request that clients and caches may well send is answered with an error, because of a field that should have been \
         judged or ignored.",
        "Wrap the application in NotModified, with take_over for these paths where the application judges for itself.",
        "RFC 9110 §13.1",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    UNSTABLE_TAG: Error, "unstable-tag", "An ETag that changes with each response",
        "The same page, asked for twice, has another ETag each time. Nobody who comes back ever gets a 304, and each cache \
         on the way stores it in vain.",
        "Leave out of the tag what differs though the content is the same, or take it out of the page.",
        "RFC 9110 §8.8.1", [];
    REPLICAS_DISAGREE: Error, "replicas-disagree", "Servers that give the same content different tags",
        "The same bytes have different ETags, which come again: each server behind the balancer makes its own, mostly from the time of \
         a file. A client that comes to another one gets everything again.",
        "Make tags from the content.",
        "RFC 9110 §8.8.3",
        ["nginx" => "etag off;   # for files that each server copied for itself; or one file system, or rsync --times",
         "Apache" => "FileETag Digest",
         "any WSGI" => "application = notmodified.NotModified(application)"];
    ILL_FORMED_TAG: Error, "ill-formed-tag", "An ETag that is none",
        "The value of ETag is not a quoted string. nginx and many CDNs remove it, others compare it wrongly, so that it \
         confirms nothing.",
        "Put the tag in double quotes.",
        "RFC 9110 §8.8.3",
        ["Django" => "response.headers[\"ETag\"] = '\"%s\"' % digest",
         "Flask" => "response.set_etag(digest)   # it puts the quotes"];
    TAG_LIES: Error, "tag-lies", "The same strong ETag for different bytes",
        "Two responses with the same strong ETag have different content. Clients keep old content, and resumed downloads \
         mix both.",
        "Make the tag from the content; where the difference does not matter, make it weak (W/).",
        "RFC 9110 §8.8.1",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\netag = \"content\""];
    ONE_TAG_FOR_TWO_CODINGS: Error, "one-tag-for-codings", "One strong ETag for plain and compressed content",
        "A strong tag names one sequence of bytes, and compressed bytes are others. A resumed download mixes both; a cache \
         may hand out the one that the client can't read.",
        "Give each coding its own tag, or let whoever compresses make it weak.",
        "RFC 9110 §8.8.3.3",
        ["nginx" => "gzip on;   # in place of compressing in the application: it makes tags weak",
         "Apache" => "DeflateAlterETag AddSuffix",
         "any WSGI" => "application = notmodified.NotModified(compressing(application))   # outside of what compresses"];
    VALIDATOR_LOST: Error, "validator-lost", "Preconditions that do not reach the application",
        "The inner hop answers If-None-Match or If-Modified-Since with 304, the outer one sends the whole response: what is between them \
         drops the field, or changes the tag so that it matches no more.",
        "Let the proxy pass If-None-Match and If-Modified-Since on.",
        "RFC 9110 §13.1.2",
        ["nginx" => "proxy_set_header If-None-Match $http_if_none_match;   # with proxy_cache, which drops it on a miss"];
    TAG_SUFFIXED: Error, "tag-suffixed", "A tag that was changed by compression, and matches no more",
        "Whoever compressed put a suffix such as -gzip into the ETag and does not take it off again when a client sends it \
         back: what is compressed never gets a 304 (Apache's bug 45023).",
        "Wrap the application in NotModified, which recognises the suffix; or leave the tag alone.",
        "RFC 9110 §8.8.3.3",
        ["Apache" => "RequestHeader edit If-None-Match '^\"(.+)-gzip\"$' '\"$1-gzip\", \"$1\"'",
         "any WSGI" => "application = notmodified.NotModified(application)"];
    WEAK_FORM_IGNORED: Error, "weak-form-ignored", "A tag that a proxy made weak matches no more",
        "Proxies that compress turn \"x\" to W/\"x\". If-None-Match compares weakly (RFC 9110 §13.1.2), so that must match, and here it does \
         not: whoever is behind such a proxy never gets a 304.",
        "Compare tags with the weak comparison.",
        "RFC 9110 §13.1.2",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    VALIDATOR_IGNORED: Error, "validator-ignored", "Validators that nobody judges",
        "The response has an ETag, but the same ETag in If-None-Match gets the whole response again: clients ask in vain.",
        "Have somebody judge preconditions.",
        "RFC 9110 §13.1.2",
        ["Django" => "MIDDLEWARE = [\"notmodified.django.NotModifiedMiddleware\", ...]",
         "Flask" => "notmodified.flask.NotModified(app)   # or return response.make_conditional(request)",
         "any WSGI" => "application = notmodified.NotModified(application)",
         "Gunicorn" => "gunicorn \"notmodified:wrap('mysite.wsgi:application')\""];
    WRONG_304: Error, "wrong-304", "A 304 for content that the client does not have",
        "The client said that it has another version, and was told that it is current. It keeps old content.",
        "Judge If-None-Match and If-Modified-Since as RFC 9110 §13.2.2 says.",
        "RFC 9110 §13.2.2",
        ["any WSGI" => "application = notmodified.NotModified(application)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    WRITE_UNGUARDED: Error, "write-unguarded", "A write that a false precondition does not stop",
        "A PUT with an If-Match that can't match, or If-None-Match: * where something is, was answered with 2xx in place of 412: two \
         people save, the second overwrites the first, and neither is told. Asked only with --allow-unsafe.",
        "Judge If-Match before the application acts: docs/writes.md.",
        "RFC 9110 §13.1.1",
        ["Django" => "@notmodified.django.conditional(validator)",
         "Flask" => "@notmodified.flask.conditional(validator)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\npreconditions = \"get\""];
    WRITE_304: Error, "write-304", "A write that is answered with 304",
        "304 is an answer to GET and HEAD alone; to a PUT whose If-None-Match is false it is 412 (RFC 9110 §13.1.2). Whoever saved is told \
         that all is as it was, and not that nothing was saved. Asked only with --allow-unsafe.",
        "Look at the method before you answer with 304: docs/writes.md.",
        "RFC 9110 §13.1.2",
        ["Django" => "@notmodified.django.conditional(validator)",
         "Flask" => "@notmodified.flask.conditional(validator)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\npreconditions = \"get\""];
    REFUSED_AND_DONE: Error, "refused-and-done", "A write that was refused, and done all the same",
        "The precondition was judged when the application had acted already, so that the client is told that nothing was done, and it was. \
         Asked only with --allow-unsafe.",
        "Judge If-Match before the application acts: docs/writes.md.",
        "RFC 9110 §13.2.1",
        ["Django" => "@notmodified.django.conditional(validator)",
         "Flask" => "@notmodified.flask.conditional(validator)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\npreconditions = \"get\""];
    DATE_BEATS_TAG: Error, "date-beats-tag", "If-Modified-Since decides beside If-None-Match",
        "Where If-None-Match is there, If-Modified-Since must not be looked at (RFC 9110 §13.1.3). Here it is: content that \
         changed within a second, or was put back, is confirmed or sent in vain.",
        "Have preconditions judged in the order of RFC 9110 §13.2.2.",
        "RFC 9110 §13.2.2",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    ERROR_CONFIRMED: Error, "error-confirmed", "A missing page that is \"not modified\"",
        "A URL that is answered with 404 is answered with another status if the request has If-None-Match: *. Only what would be 2xx is \
         judged (RFC 9110 §13.2.1).",
        "Judge preconditions only where the answer would be 2xx.",
        "RFC 9110 §13.2.1",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    LIST_MISREAD: Warning, "list-misread", "Lists in If-None-Match that are not understood",
        "Clients and caches that hold several versions send all their tags, in one line or several, with or without blanks, \
         and tags may have commas in them. The current one was among them, and the whole response was sent.",
        "Read the field as a list of quoted strings.",
        "RFC 9110 §13.1.2",
        ["any WSGI" => "application = notmodified.NotModified(application)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    DATE_REFUSED: Error, "date-refused", "A date that is answered with an error",
        "A date that makes no sense is to be ignored (RFC 9110 §13.1.3, §13.1.4). Here it gets an error.",
        "Ignore what is no HTTP-date.",
        "RFC 9110 §13.1.3",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    IF_RANGE_IGNORED: Error, "if-range-ignored", "If-Range that is not judged",
        "A client that resumes a download says which version it has a part of. It is another one, or a weak tag, and the rest of the current \
         one was sent: the file on the client's disk is corrupt.",
        "Send the whole content unless If-Range is the current strong tag.",
        "RFC 9110 §13.1.5",
        ["notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ntake_over = true",
         "any WSGI" => "application = notmodified.NotModified(application)"];
    IF_RANGE_REFUSED: Warning, "if-range-refused", "If-Range that never matches",
        "Parts can be had, but not by a client that says of which version it has one, though that is the current one: each resumed \
         download begins anew.",
        "Compare If-Range with the current strong tag, or with the very date of Last-Modified.",
        "RFC 9110 §13.1.5",
        ["notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ntake_over = true"];
    RANGE_WRONG: Error, "range-wrong", "Ranges that are answered wrongly",
        "A range that can be had was refused, or the answer is not what was asked for.",
        "Have ranges answered by somebody who judges preconditions before, counts from 0 and includes the last octet.",
        "RFC 9110 §14.2",
        ["notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ntake_over = true"];
    HEAD_DIFFERS: Error, "head-differs", "HEAD and GET disagree",
        "HEAD has another status or other validators than GET (RFC 9110 §9.3.2), or gets no 304 where GET does (§13.1.2). \
         Link checkers, download tools and caches believe HEAD.",
        "Have HEAD answered as GET, without the body.",
        "RFC 9110 §9.3.2",
        ["any WSGI" => "application = notmodified.NotModified(application)   # head_as_get is on unless you say otherwise",
         "Django" => "MIDDLEWARE = [\"notmodified.django.NotModifiedMiddleware\", ...]   # ConditionalGetMiddleware leaves HEAD without"];
    TAG_OF_304: Error, "other-tag-in-304", "A 304 with another tag",
        "The 304 has an ETag that is not the one that it confirms. A cache looks for its stored response by it and finds none \
         (RFC 9111 §4.3.4).",
        "Say the tag of the 200.",
        "RFC 9111 §4.3.4",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    PRIVATE_SHARED: Error, "private-shared", "A private response that a shared cache handed out",
        "The response says private or no-store, or sets a cookie for one client, and it came out of a shared cache, \
         by its Age or X-Cache. Somebody gets what was made for somebody else.",
        "Have the cache obey Cache-Control, and bypass it for requests with a session.",
        "RFC 9111 §5.2.2.7",
        ["nginx" => "proxy_no_cache $upstream_http_set_cookie $cookie_sessionid;   # and no proxy_ignore_headers Cache-Control"];
    VARY_MISSING: Error, "vary-missing", "A response that depends on what Vary does not name",
        "The content is another one for another request field, but Vary does not name the field, so caches hand one client's \
         version to all (RFC 9111 §4.1).",
        "Name the field in Vary.",
        "RFC 9110 §12.5.5", [];
    STRIPPED_TAG: Error, "tag-stripped", "A hop that removes the ETag",
        "The response has an ETag inside of this hop and none outside: it rewrites the content, or the tag was ill-formed. \
         Without a validator there is no 304.",
        "Rewrite in the application instead; or have the outermost hop make the tag.",
        "RFC 9110 §8.8.3",
        ["nginx" => "# sub_filter and other filters that change content remove ETag: put the text into the page instead",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\ncache_control = { public = true, no_transform = true }"];
    COOKIE_ADDED: Warning, "cookie-added", "A hop that adds a cookie",
        "Set-Cookie is on the response outside of this hop and not inside. Caches that obey it do not store such responses.",
        "Have the balancer set its cookie once, or route without one.",
        "RFC 9111 §7.3", [];
    LINES_REFUSED: Info, "lines-refused", "Two lines of If-None-Match are refused",
        "A list may come on several lines (RFC 9110 §5.2), and a request with two lines of If-None-Match is answered with an error: \
         nginx does so. Few clients send them.",
        "Nothing, unless a client of yours sends them.",
        "RFC 9110 §5.2", [];
    RANGE_QUIRKS: Info, "range-not-ignored", "Ranges that should be ignored and are not",
        "A range in an unknown unit, with HEAD, or of no octets is to be ignored or refused (RFC 9110 §14.2). Few clients send such.",
        "Nothing, unless a client of yours sends them.",
        "RFC 9110 §14.2", [];
    MUST_FIELDS_LOST: Warning, "fields-missing-in-304", "A 304 without fields that it must have",
        "A 304 must carry Cache-Control, Content-Location, Date, ETag, Expires and Vary where the 200 has them (RFC 9110 §15.4.5). \
         Without them caches go on with what they stored, or forget what the response depends on.",
        "Make the 304 from the fields of the 200.",
        "RFC 9110 §15.4.5",
        ["any WSGI" => "application = notmodified.NotModified(application)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    MORE_FIELDS_LOST: Info, "more-missing-in-304", "A 304 without fields that say who may use it",
        "The 200 has fields of CORS, a Content-Security-Policy or directives for one kind of cache, and the 304 has not: what is stored keeps \
         the old ones, which may be those for another origin.",
        "Make the 304 from the fields of the 200.",
        "RFC 9111 §3.2",
        ["any WSGI" => "application = notmodified.NotModified(application)",
         "notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    COOKIE_IN_304: Warning, "cookie-in-304", "A 304 that sets a cookie and may be shared",
        "Shared caches may store this 304's fields, and with them one client's cookie for all.",
        "Say private where a cookie is set.",
        "RFC 9111 §7.3",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ncache_control = { private = true, no_cache = true }\noverride = true"];
    CONTENT_FIELDS_IN_304: Info, "content-fields-in-304", "A 304 with fields about content that it does not have",
        "A 304 should not have Content-Type, Content-Encoding and the like (RFC 9110 §15.4.5): a cache takes them over for what it has \
         stored, right or wrong.",
        "Take them out.",
        "RFC 9110 §15.4.5",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    FIELDS_DIFFER_IN_304: Warning, "fields-differ-in-304", "A 304 that says otherwise than the 200",
        "The 304 has another Cache-Control, Expires or Vary than the 200. Caches take it over (RFC 9111 §3.2), so that a revalidation \
         changes how long the response is fresh, and for whom.",
        "Make the 304 from the fields of the 200.",
        "RFC 9111 §3.2",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    NO_VALIDATOR: Warning, "no-validator", "A response without a validator",
        "There is neither an ETag nor a Last-Modified, so nobody can ask whether it changed: each visit costs the whole response.",
        "Give it an entity-tag.",
        "RFC 9110 §8.8",
        ["Django" => "MIDDLEWARE = [\"notmodified.django.NotModifiedMiddleware\", ...]",
         "Flask" => "notmodified.flask.NotModified(app)",
         "any WSGI" => "application = notmodified.NotModified(application)",
         "Gunicorn" => "gunicorn \"notmodified:wrap('mysite.wsgi:application')\""];
    FROZEN_DATE: Warning, "frozen-date", "A Last-Modified that is that of a build",
        "Reproducible builds, images of containers and zip archives give all files one time, in 1970 or 1980. Content that changed has the \
         same date as before, and, where tags are made from the time and the size, often the same tag.",
        "Make tags from the content, and give files the time of what they are built from.",
        "RFC 9110 §8.8.2",
        ["a build" => "find static -type f -exec touch --date=\"@$(git log -1 --format=%ct)\" {} +",
         "notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ntake_over = true   # tags of the content"];
    STAR_IGNORED: Warning, "star-ignored", "If-None-Match: * that is not judged",
        "For GET, * asks for content only if there is none (RFC 9110 §13.1.2). It is rare in reads, and guards writes: \
         where it is ignored there, what should only be created is overwritten.",
        "Judge * as true only where nothing is.",
        "RFC 9110 §13.1.2",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    DATE_IGNORED: Warning, "date-ignored", "If-Modified-Since that is not judged",
        "The response has a Last-Modified, and the same date in If-Modified-Since gets the whole response. Clients that know \
         dates only (feed readers, wget) fetch it each time.",
        "Judge dates too.",
        "RFC 9110 §13.1.3",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    DATE_EXACT: Info, "later-date-ignored", "If-Modified-Since that is only compared for equality",
        "A date later than Last-Modified gets the whole response, though the content was not modified since (RFC 9110 §13.1.3).",
        "Compare, do not look for the same date.",
        "RFC 9110 §13.1.3",
        ["nginx" => "if_modified_since before;"];
    OLD_DATES: Info, "old-dates-ignored", "Dates in the older forms are not read",
        "RFC 850 and asctime dates are still to be read (RFC 9110 §5.6.7). Whoever sends them gets the whole response.",
        "Read all three forms.",
        "RFC 9110 §5.6.7",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    LENIENT_DATE: Info, "no-date-read", "What is no date is read as one",
        "An HTTP-date ends with GMT and there is one of it (RFC 9110 §5.6.7); what is none is to be ignored. Here it decides: a client with \
         a wrong date may be told that what it has is current.",
        "Ignore what is no HTTP-date.",
        "RFC 9110 §13.1.3",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ntake_over = true"];
    OPTIONS_JUDGED: Info, "options-judged", "OPTIONS with preconditions",
        "OPTIONS asks what can be done, not for the content, and is to be answered whatever preconditions say (RFC 9110 §13.2.1): browsers \
         take another answer for a no.",
        "Judge preconditions of methods that select or change a representation only.",
        "RFC 9110 §13.2.1",
        ["Django" => "@notmodified.django.conditional(validator)   # in place of @condition"];
    IF_MATCH_IGNORED: Warning, "if-match-ignored", "If-Match and If-Unmodified-Since that are not judged",
        "A precondition that is false was not answered with 412. Where the same code serves writes, one editor overwrites the other.",
        "Judge If-Match before the application acts: docs/writes.md.",
        "RFC 9110 §13.1.1",
        ["Django" => "@notmodified.django.conditional(validator)",
         "Flask" => "@notmodified.flask.conditional(validator)",
         "any WSGI" => "application = notmodified.NotModified(application)"];
    IF_MATCH_WRONG: Warning, "if-match-wrong", "If-Match that is judged wrongly",
        "A precondition that is true was answered with 412, or a weak tag satisfied If-Match, which compares strongly (RFC 9110 §13.1.1).",
        "Judge If-Match with the strong comparison: docs/writes.md.",
        "RFC 9110 §13.1.1",
        ["any WSGI" => "application = notmodified.NotModified(application)"];
    TAG_WEAKENED: Info, "tag-weakened", "A hop that makes the tag weak",
        "The tag is strong inside of this hop and weak outside, as is right for who compresses. If-None-Match matches it still; If-Match and If-Range \
         do not any more.",
        "For writes behind it: accept_weakened, whose risk docs/writes.md names.",
        "RFC 9110 §8.8.1",
        ["notmodified.toml" => "accept_weakened = true"];
    VARY_LOST: Warning, "vary-lost", "A hop that loses Vary",
        "Vary names fields inside of this hop that it does not name outside: caches further out mix up versions.",
        "Let the proxy pass Vary on.",
        "RFC 9110 §12.5.5",
        ["nginx" => "gzip_vary on;   # and no proxy_hide_header Vary"];
    VARY_USELESS: Warning, "vary-useless", "A Vary that no cache can use",
        "Vary: * forbids the reuse of the response; Vary on User-Agent or on all cookies gives each client a version of its own, so that shared \
         caches keep much and use little.",
        "Vary on what the content depends on, and no more.",
        "RFC 9111 §4.1",
        ["notmodified.toml" => "vary_cookies = [\"sessionid\"]"];
    FRESHNESS_CONTRADICTS: Warning, "freshness-contradicts", "Cache-Control that contradicts itself",
        "Directives of the response exclude one another, or mean nothing in a response. Caches choose, each as it likes.",
        "Say one thing.",
        "RFC 9111 §5.2", [];
    ERROR_KEPT: Warning, "error-kept", "An error that caches may keep",
        "The answer to an error, or to a URL at which nothing is, says for how long it is fresh: whoever got it goes on with it when all is \
         well again, or when a deployment has put something there.",
        "Say no-cache or no-store with errors.",
        "RFC 9111 §4.2",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\nstatus = [404, \"5xx\"]\ncache_control = { no_store = true }\noverride = true"];
    NOTHING_SAID: Info, "nothing-said", "Nothing is said of freshness",
        "Without Cache-Control or Expires each cache guesses (RFC 9111 §4.2.2), mostly a tenth of the time since Last-Modified. After a \
         deployment some users see old pages, others not.",
        "Say it: no-cache for what must be current, a lifetime for what may be old.",
        "RFC 9111 §4.2.2",
        ["notmodified.toml" => "[[policy]]\npath = \"/**\"\ncache_control = { no_cache = true }",
         "Django" => "@cache_control(no_cache=True)",
         "Flask" => "response.cache_control.no_cache = True",
         "nginx" => "add_header Cache-Control no-cache;",
         "Apache" => "Header set Cache-Control no-cache"];
    UNVERSIONED_LONG: Warning, "unversioned-long-lived", "An asset that is kept long and may change under its URL",
        "Its URL does not name a version, and caches may use it for a day or more without asking. After a deployment old parts stand beside new pages.",
        "Put a digest into the URL, or have it revalidated.",
        "RFC 9111 §4.2",
        ["notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ncache_control = { no_cache = true }\noverride = true",
         "Django" => "STORAGES = {\"staticfiles\": {\"BACKEND\": \"django.contrib.staticfiles.storage.ManifestStaticFilesStorage\"}, ...}"];
    VERSIONED_SHORT: Warning, "versioned-revalidated", "A versioned asset that is asked for again",
        "Its URL names one version of it, so it can't change, and still caches must ask, or soon have to.",
        "Let it be kept for a year.",
        "RFC 8246",
        ["notmodified.toml" => "[[policy]]\npath = \"/static/**\"\ncache_control = { public = true, max_age = 31536000, immutable = true }",
         "nginx" => "location /static/ { add_header Cache-Control \"public, max-age=31536000, immutable\"; }"];
    CLOSES_AFTER_304: Warning, "closed-after-304", "The connection is closed after each 304",
        "Responses with content keep the connection, a 304 ends it: each saved body costs a new connection, with TLS several round trips.",
        "Let the connection live.",
        "RFC 9112 §9.3",
        ["Gunicorn" => "gunicorn -k gthread --keep-alive 5"];
    MESSAGE_BROKEN: Warning, "message-broken", "A response that breaks a rule of a field or a status",
        "httplint, a linter of HTTP messages, says so of this response alone; what it says is shown. No request was sent to \
         see what comes of it, which is why no such finding is an error.",
        "Mend what its text names.";
    MESSAGE_DOUBTFUL: Info, "message-doubtful", "A response that could be better",
        "httplint, a linter of HTTP messages, would have this response otherwise, or could not read it; what it says is shown.",
        "Mend what its text names, if it matters to you.";
    UNSTABLE_BYTES: Info, "volatile-bytes", "Bytes that differ each time under the same tag",
        "The content differs from response to response where a weak tag says that it is the same. That is what weak tags are for, if nobody misses what differs.",
        "Nothing, if what differs may be old.",
        "RFC 9110 §8.8.1", [];
}
