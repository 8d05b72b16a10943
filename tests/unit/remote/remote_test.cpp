#include "davit/error.hpp"
#include "remote/git_fetch.hpp"
#include "remote/git_ref.hpp"
#include "remote/git_ssh_url.hpp"
#include "remote/oci_project.hpp"
#include "remote/project_artifact.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <stop_token>
#include <string>

using namespace davit;
using namespace davit::remote;

TEST_CASE("what git clones is told from what lies on the disk") {
    struct Row {
        const char* text;
        const char* url; // null: no repository
        const char* ref;
        const char* directory;
    };
    for (const Row& row : std::initializer_list<Row>{
             {"https://example.com/a/b.git", "https://example.com/a/b.git", "", ""},
             {"https://example.com/a/b.git#v1", "https://example.com/a/b.git", "v1", ""},
             {"https://example.com/a/b.git#v1:deploy/prod", "https://example.com/a/b.git", "v1", "deploy/prod"},
             {"https://example.com/a/b.git#:deploy", "https://example.com/a/b.git", "", "deploy"},
             {"https://example.com/a/b.git#:/deploy", "https://example.com/a/b.git", "", "deploy"},
             {"https://example.com/a/compose.yaml", nullptr, "", ""},
             {"http://example.com/x", nullptr, "", ""},
             {"git://example.com/x", "git://example.com/x", "", ""},
             {"ssh://git@example.com:2222/x.git#main", "ssh://git@example.com:2222/x.git", "main", ""},
             {"git@example.com:a/b.git#feature/x:sub", "git@example.com:a/b.git", "feature/x", "sub"},
             {"me@host:x", "me@host:x", "", ""},
             {"github.com/a/b", "https://github.com/a/b", "", ""},
             {"compose.yaml", nullptr, "", ""},
             {"./github.com/a", nullptr, "", ""},
             {"/srv/a.git", nullptr, "", ""},
             {"@host:x", nullptr, "", ""},
             {"a b@host:x", nullptr, "", ""},
             {"me@host:", nullptr, "", ""},
             {"oci://example.com/x", nullptr, "", ""},
         }) {
        CAPTURE(row.text);
        const auto ref = parse_git_ref(row.text);
        CHECK(ref.has_value() == (row.url != nullptr));
        if (ref && row.url) CHECK(*ref == GitRef{row.url, row.ref, row.directory});
    }
}

TEST_CASE("credentials are for the server that an address leads to, whatever stands behind it") {
    CHECK(web_place("https://h/a.git") == WebPlace{"https", "h"});
    CHECK(web_place("http://user:word@h.example:8080/a.git") == WebPlace{"http", "h.example:8080"});
    CHECK(web_place("https://[::1]:443") == WebPlace{"https", "[::1]:443"});
    CHECK(web_place("https://evil?@h/a.git") == WebPlace{"https", "evil"});
    CHECK(web_place("https://evil#@h/a.git") == WebPlace{"https", "evil"});
    for (const char* text : {"https://evil\\@h/a.git", "https://a@evil@h/a.git", "https://evil/\nhost=h",
                             "https://evil\r", "https://evil%2f@@h/", "https://", "https:///h/", "httpsx://h/",
                             "http:h/x", "git@h:x.git", "ssh://h/x.git", "https://h\t/", "https://e v/"}) {
        CAPTURE(text);
        CHECK_FALSE(web_place(text).has_value());
    }
    CHECK_FALSE(web_place("http://h/a.git") == web_place("https://h/a.git")); // not in clear
}

TEST_CASE("what nobody waits for any more is not fetched") {
    std::stop_source enough;
    enough.request_stop();
    GitCredentials credentials;
    credentials.stop = enough.get_token();
    const GitRef ref{"git://127.0.0.1:1/x.git", "", ""};
    const std::function<void()> calls[] = {
        [&] { resolve_git(ref, credentials); },
        [&] { checkout_git(ref, std::string(40, '0'), "/nowhere", false, credentials); },
        [&] { fetch_from_git(ref, "x", "/nowhere", enough.get_token()); },
        [&] { fetch_from_registry("127.0.0.1:1/none:1", "/nowhere", {}, enough.get_token()); }};
    for (const auto& call : calls) {
        try {
            call();
            FAIL("nothing was thrown");
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::interrupted);
        }
    }
}

TEST_CASE("a subdirectory stays in the repository") {
    for (const char* text : {"https://h/a.git#main:..", "https://h/a.git#main:x/../../y", "https://h/a.git#:/../x"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_git_ref(text), Error);
    }
    CHECK(parse_git_ref("https://h/a.git#main:..x/y")->subdirectory == "..x/y");
}

TEST_CASE("the manifest of a published project names its files") {
    const auto layers =
        parse_project_manifest(R"({"schemaVersion": 2, "artifactType": "application/vnd.docker.compose.project",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json"}, "layers": [
        {"mediaType": "application/vnd.docker.compose.file+yaml", "digest": "sha256:a", "size": 1, "annotations": {"com.docker.compose.file": "compose.yaml"}},
        {"mediaType": "application/vnd.docker.compose.file+yaml", "digest": "sha256:b", "size": 2, "annotations": {"com.docker.compose.extends": "true", "com.docker.compose.file": "base.yaml"}},
        {"mediaType": "application/vnd.docker.compose.envfile", "digest": "sha256:c", "size": 3, "annotations": {"com.docker.compose.envfile": "sub/a.env"}},
        {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:d", "size": 2}]})",
                               "oci://x");
    REQUIRE(layers.size() == 3);
    CHECK(layers[0].kind == ProjectLayer::Kind::compose);
    CHECK(layers[1].file == "base.yaml");
    CHECK(layers[2].file == "sub/a.env");
}

TEST_CASE("a manifest that is no project, or would write elsewhere, is refused") {
    auto message = [](const char* json) -> std::string {
        try {
            parse_project_manifest(json, "oci://x");
        } catch (const Error& e) {
            return e.what();
        }
        return "";
    };
    CHECK(message(R"({"config": {"mediaType": "application/vnd.oci.image.config.v1+json"}, "layers": []})") ==
          "oci://x is no compose project but application/vnd.oci.image.config.v1+json");
    CHECK(message("[]") == "the manifest of oci://x is no JSON object");
    for (const char* file : {"../x", "/etc/x", "", "a/../../x"}) {
        CAPTURE(file);
        const std::string json =
            R"({"artifactType": "application/vnd.docker.compose.project", "layers": [{"mediaType": "application/vnd.docker.compose.envfile", "digest": "sha256:c", "size": 3, "annotations": {"com.docker.compose.envfile": ")" +
            std::string(file) + R"("}}]})";
        CHECK(message(json.c_str()).find("leads out of the project") != std::string::npos);
    }
    CHECK(
        message(
            R"({"artifactType": "application/vnd.docker.compose.project", "layers": [{"mediaType": "application/vnd.docker.compose.file+yaml", "digest": "sha256:c", "size": 99999999999}]})")
            .find("compose files have at most") != std::string::npos);
}

TEST_CASE("a list of what refers to a manifest grows, whatever was there") {
    const registry::Descriptor one{"type", "sha256:a", 1, std::nullopt, {}},
        two{"type", "sha256:b", 2, std::nullopt, {}};
    const std::string first = with_referrer("", one);
    CHECK(with_referrer(first, one) == first);
    const std::string both = with_referrer(first, two);
    CHECK(both.find("sha256:a") < both.find("sha256:b"));
    for (const char* other : {"[", "[]", "{}", R"({"manifests": 1})", R"({"manifests": [1, {"digest": []}]})"})
        CHECK(with_referrer(other, one).find("sha256:a") != std::string::npos);
    const std::string deep = R"({"manifests": )" + std::string(100000, '[') + std::string(100000, ']') + "}";
    CHECK(with_referrer(deep, one) == first);
}

TEST_CASE("the index of an application's images is about the application") {
    const registry::Descriptor project{"m", "sha256:p", 3, std::nullopt, {}};
    const std::string index = images_index({{"docker.io", "library/x", {"i", "sha256:x", 9, std::nullopt, {}}}},
                                           project, "application/vnd.docker.compose.project");
    CHECK(index.find(R"("subject":{"mediaType":"m","digest":"sha256:p","size":3,"artifactType":)") !=
          std::string::npos);
    CHECK(index.find(R"("annotations":{"containerd.io/distribution.source.docker.io":"library/x"})") !=
          std::string::npos);
    CHECK(images_index({}, project, "").find("artifactType") == std::string::npos);
}

TEST_CASE("addresses that ssh takes, and none that would be its options") {
    struct Row {
        const char *url, *wanted; // "user host port path"
    };
    for (const Row& row : std::initializer_list<Row>{
             {"ssh://git@h.example:2222/a/b.git", "git|h.example|2222|/a/b.git"},
             {"ssh://h/~me/r", "|h||~me/r"},
             {"ssh://u:pw@[::1]:22/r%20x", "u|::1|22|/r x"},
             {"ssh://[::1]/r", "|::1||/r"},
             {"git@h:a/b.git", "git|h||a/b.git"},
             {"h:/srv/r", "|h||/srv/r"},
             {"ssh://h", nullptr},
             {"ssh://-oProxyCommand=x/r", nullptr},
             {"ssh://-x@h/r", nullptr},
             {"git@-h:r", nullptr},
             {"git@h:-r", nullptr},
             {"ssh://h:22x/r", nullptr},
             {"ssh://%2dx@h/r", nullptr},
             {"https://h/r", nullptr},
             {"git@:r", nullptr},
             {"ssh://`id`@h/x.git", nullptr}, // for ProxyCommand's %r
             {"ssh://a%3bid@h/x.git", nullptr},
             {"ssh://h$(id)/x.git", nullptr},
             {"ssh://a%0ab@h/x.git", nullptr},
         }) {
        CAPTURE(row.url);
        const auto place = parse_ssh_place(row.url);
        CHECK(place.has_value() == (row.wanted != nullptr));
        if (place && row.wanted)
            CHECK(place->user + "|" + place->host + "|" + place->port + "|" + place->path == row.wanted);
    }
    CHECK(ssh_command({"", "h", "", "it's"}).back() == "git-upload-pack 'it'\\''s'");
    CHECK(trouble_of("x\nHost key verification failed.") == SshTrouble::unknown_host);
    CHECK(trouble_of("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.") ==
          SshTrouble::changed_host);
}
