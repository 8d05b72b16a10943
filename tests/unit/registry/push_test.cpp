#include "registry/push.hpp"

#include "registry/challenge.hpp"
#include "registry/credential_helper.hpp"
#include "registry/login.hpp"

#include "tests/support/temp_dir.hpp"

#include "base/file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace davit;
using namespace davit::registry;

TEST_CASE("uploads: what a registry says it has") {
    CHECK(received_bytes("0-1023") == 1024);
    CHECK(received_bytes("bytes=0-9") == 10);
    CHECK(received_bytes("0-0") == 0); // one byte, or none: none is the safe guess
    CHECK_FALSE(received_bytes(""));
    CHECK_FALSE(received_bytes("5-10"));
    CHECK_FALSE(received_bytes("0-"));
    CHECK_FALSE(received_bytes("0-12x"));
    CHECK_FALSE(received_bytes("0-18446744073709551615"));
    CHECK_FALSE(received_bytes("0--1"));
}

TEST_CASE("uploads: how much goes next") {
    CHECK(next_chunk(100, 0, 0, 0) == 100);
    CHECK(next_chunk(100, 40, 0, 0) == 60);
    CHECK(next_chunk(100, 0, 30, 0) == 30);
    CHECK(next_chunk(100, 90, 30, 0) == 10);
    CHECK(next_chunk(100, 0, 30, 50) == 50);  // no less than the registry wants
    CHECK(next_chunk(100, 60, 30, 50) == 40); // the last may be smaller
    CHECK(next_chunk(100, 100, 30, 0) == 0);
}

TEST_CASE("uploads: smaller pieces after a refusal, to a limit") {
    constexpr std::uint64_t mb = 1u << 20;
    CHECK(smaller_chunk(1000 * mb, 0, 0) == 32 * mb);
    CHECK(smaller_chunk(10 * mb, 0, 0) == 5 * mb);
    CHECK(smaller_chunk(1000 * mb, 32 * mb, 0) == 16 * mb);
    CHECK_FALSE(smaller_chunk(1000 * mb, 16 * mb, 10 * mb));
    CHECK_FALSE(smaller_chunk(1000 * mb, mb, 0));
    CHECK_FALSE(smaller_chunk(mb, 0, 0));
}

TEST_CASE("uploads: the digest is added to a location that stays as it is") {
    const std::string digest = "sha256:ab";
    CHECK(with_query(*parse_url("http://h/v2/x?_state=a%2Fb%3D"), "digest", digest).text() ==
          "http://h/v2/x?_state=a%2Fb%3D&digest=sha256%3Aab");
    CHECK(with_query(*parse_url("http://h/v2/x"), "digest", digest).text() == "http://h/v2/x?digest=sha256%3Aab");
}

TEST_CASE("origins: a scheme's own port may be left out") {
    const auto same = [](const char* a, const char* b) { return same_origin(*parse_url(a), *parse_url(b)); };
    CHECK(same("https://h/x", "https://h:443/y"));
    CHECK(same("http://h:80/x", "http://h/y"));
    CHECK(same("https://[::1]/x", "https://[::1]:443/y"));
    CHECK_FALSE(same("https://h/x", "http://h/x"));
    CHECK_FALSE(same("https://h/x", "https://h:444/x"));
    CHECK_FALSE(same("https://h/x", "https://h.evil/x"));
}

TEST_CASE("scopes of a token are joined") {
    std::vector<std::string> scopes{"repository:a/b:pull,push"};
    merge_scopes(scopes, "repository:a/b:pull");
    CHECK(scopes == std::vector<std::string>{"repository:a/b:pull,push"});
    merge_scopes(scopes, "repository:c:pull  repository:a/b:delete");
    CHECK(scopes == std::vector<std::string>{"repository:a/b:pull,push,delete", "repository:c:pull"});
    merge_scopes(scopes, "");
    CHECK(scopes.size() == 2);
    merge_scopes(scopes, "registry:catalog:* odd");
    CHECK(scopes.size() == 4);
}

TEST_CASE("logins are kept beside everything else that is in the file") {
    const davit::test::TempDir directory;
    const std::string file = directory.path() + "/deep/config.json";
    CHECK_FALSE(forget_login(file, "docker.io"));
    CHECK(keep_login(file, "docker.io", {"anna", "secret", ""}).plain_text);
    CHECK(read_file(file) == "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": "
                             "\"YW5uYTpzZWNyZXQ=\"\n\t\t}\n\t}\n}\n");
    struct stat st {};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    keep_login(file, "h:5000", {"", "", "refresh"});
    CHECK(read_file(file).find("\"identitytoken\": \"refresh\"") != std::string::npos);

    SUBCASE("old spellings of the name go") {
        write_file_atomic(file,
                          R"({"z": 1, "auths": {"docker.io": {"auth": "eDp5"}, "https://h:5000/v1/": {}, "x": {}}})");
        keep_login(file, "docker.io", {"anna", "secret", ""});
        CHECK(read_file(file).find("\"docker.io\"") == std::string::npos);
        CHECK(forget_login(file, "h:5000"));
        CHECK(forget_login(file, "docker.io"));
        CHECK(read_file(file) == "{\n\t\"z\": 1,\n\t\"auths\": {\n\t\t\"x\": {}\n\t}\n}\n");
    }
    SUBCASE("a link stays a link") {
        const std::string link = directory.path() + "/link.json";
        REQUIRE(::symlink(file.c_str(), link.c_str()) == 0);
        keep_login(link, "other", {"a", "b", ""});
        REQUIRE(::lstat(link.c_str(), &st) == 0);
        CHECK(S_ISLNK(st.st_mode));
        CHECK(read_file(file).find("\"other\"") != std::string::npos);
    }
    SUBCASE("what is no JSON is not overwritten") {
        write_file_atomic(file, "{ oh");
        CHECK_THROWS_WITH(keep_login(file, "other", {"a", "b", ""}), doctest::Contains("is no JSON object"));
        CHECK(read_file(file) == "{ oh");
    }
}

TEST_CASE("names of Docker Hub are one registry") {
    CHECK(key_of_registry("docker.io") == "https://index.docker.io/v1/");
    CHECK(key_of_registry("h:5000") == "h:5000");
    CHECK(same_registry("https://index.docker.io/v1/", "docker.io"));
    CHECK(same_registry("https://h:5000/v2/", "h:5000"));
    CHECK_FALSE(same_registry("h", "h:5000"));
}
