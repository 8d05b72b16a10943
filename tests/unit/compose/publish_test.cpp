#include "base/error.hpp"
#include "compose/declared.hpp"
#include "compose/local_files.hpp"
#include "compose/sensitive.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::compose;

namespace {

std::string renamed(const std::string& text) {
    std::vector<std::pair<FileUse, std::string>> names;
    for (const FileUse& use : uses_of_local_files(text, "c.yaml"))
        names.emplace_back(use, use.kind == FileUse::Kind::env_file ? "E" : "X");
    return with_file_names(text, names);
}

Errc refused(const std::string& text) {
    try {
        uses_of_local_files(text, "c.yaml");
    } catch (const Error& e) {
        return e.kind();
    }
    return Errc{};
}

} // namespace

TEST_CASE("publish: names of files are replaced where they stand, and nothing else changes") {
    struct {
        const char *text, *wanted;
    } cases[] = {
        {"services:\n  a:\n    env_file: a.env # why\n", "services:\n  a:\n    env_file: E # why\n"},
        {"services: {a: {env_file: [a.env, 'b c.env'], image: x}}\n", "services: {a: {env_file: [E, E], image: x}}\n"},
        {"services:\n  a:\n    env_file:\n      - path: \"./x/a.env\"\n        required: false\n      - b.env\n",
         "services:\n  a:\n    env_file:\n      - path: E\n        required: false\n      - E\n"},
        {"services:\n  ä: {extends: {file: base.yaml, service: b}}\n",
         "services:\n  ä: {extends: {file: X, service: b}}\n"},
        {"services:\n  a: {extends: {service: b}}\n  b: {image: a.env}\n",
         "services:\n  a: {extends: {service: b}}\n  b: {image: a.env}\n"},
        {"services:\n  a:\n    env_file: ${DIR:-.}/a.env\n", "services:\n  a:\n    env_file: E\n"},
        {"services: {}\n---\nservices:\n  a: {env_file: a.env}\n",
         "services: {}\n---\nservices:\n  a: {env_file: E}\n"},
        {"\xef\xbb\xbfservices: {a: {env_file: [x.env]}}\n", "\xef\xbb\xbfservices: {a: {env_file: [E]}}\n"},
        {"", ""},
    };
    for (const auto& c : cases) CHECK(renamed(c.text) == c.wanted);
}

TEST_CASE("publish: what cannot be given away whole is refused at its place") {
    CHECK(refused("include: [other.yaml]\nservices: {}\n") == Errc::unsupported);
    CHECK(refused("include:\n  - path: [a.yaml]\n") == Errc::unsupported);
    CHECK(refused("include: ['oci://example.com/x', 'https://github.com/a/b.git']\n") == Errc{});
    CHECK(refused("services:\n  a:\n    env_file: >\n      a.env\n") == Errc::unsupported);
    CHECK(refused("services:\n  a: {env_file: &f a.env}\n  b: {env_file: *f}\n") == Errc::unsupported);
}

TEST_CASE("publish: passwords, keys and tokens are seen") {
    const auto kinds = [](const std::string& text) {
        std::string out;
        for (const auto& found : sensitive_texts(text)) out += found.kind + "@" + std::to_string(found.line) + " ";
        return out;
    };
    CHECK(kinds("a: b\n  DB_PASSWORD: hunter2\n") == "Password@2 ");
    CHECK(kinds("  - API_KEY=abc123\n") == "Password@1 ");
    CHECK(kinds("\"auth_token\": \"abcdef\"\n") == "Password@1 ");
    CHECK(kinds("x: AKIAIOSFODNN7EXAMPLE\n") == "AWS Client ID@1 ");
    CHECK(kinds("x: AGPAIOSFODNN7EXAMPLE\ny: A3TX1234567890ABCDEF\nz: AIDA-of-a-name-that-is-long\n") ==
          "AWS Client ID@1 AWS Client ID@2 ");
    CHECK(kinds("x: rk_test_0123456789abcdefghij\n") == "Stripe key@1 ");
    CHECK(kinds("x: ghp_0123456789abcdefghijklmnopqrstuvwxyz\n") == "Github authentication@1 ");
    CHECK(kinds("-----BEGIN OPENSSH PRIVATE KEY-----\n") == "Private key@1 ");
    CHECK(kinds("url: postgres://me:pass@db/x\n") == "URL with basic auth@1 ");
    CHECK(kinds("t: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln\n") == "JSON Web Token@1 ");
    CHECK(sensitive_texts("  DB_PASSWORD: hunter2\n")[0].key == "DB_PASSWORD");
    CHECK_FALSE(sensitive_texts("  DB_PASSWORD: hunter2\n")[0].random);
    CHECK(sensitive_texts("AWS_SECRET=wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEYx\n")[0].random);
}

TEST_CASE("publish: variables, files and other words are no secrets") {
    for (const char* text : {"DB_PASSWORD: ${DB_PASSWORD}\n", "POSTGRES_PASSWORD_FILE: /run/secrets/x\n", "secrets:\n",
                             "  - source: token\n", "# PASSWORD: hunter2\n", "PASSWORD=\n", "password: true\n",
                             "image: token/secret:latest\n", "url: postgres://me:$PASS@db/x\n",
                             "url: http://host:80/a@b\n", "SECRET_NAME: web\n", "secret: [a, b]\n", ""})
        CHECK_MESSAGE(sensitive_texts(text).empty(), text);
}

TEST_CASE("publish: values that are written out are told from variables") {
    const auto keys = [](const std::string& text) {
        std::string out;
        for (const auto& [name, one] : declared_in(text, "c.yaml").services) {
            out += name + (one.needs_env_file ? "!" : one.env_file ? "?" : "") + ":";
            for (const auto& key : one.keys) out += " " + key;
            out += ";";
        }
        return out;
    };
    CHECK(keys("services: {a: {environment: {DB_PASSWORD: hunter2, MODE: fast, NUMBER_TOKEN: 12345}}}\n") ==
          "a: DB_PASSWORD NUMBER_TOKEN;");
    CHECK(keys("services: {a: {environment: [API-KEY=abc, client_key=$X, PGPASSWORD, PWD=ab]}}\n") == "a: API-KEY;");
    CHECK(keys("services: {a: {environment: {SECRET: '$$abc', TOKEN: '${A}', DB_PASS: 'x${A}'}}}\n") == "a: SECRET;");
    CHECK(keys("x: &e {SECRET: abcd}\nservices: {a: {environment: {<<: *e}}}\n") == "a: SECRET;");
    CHECK(keys("services: {a: {env_file: a.env}, b: {env_file: [{path: x, required: false}]}, c: {env_file: []}}\n") ==
          "a!:;b?:;");
    CHECK(keys("services: {a: }\n---\nservices: {b: {env_file: [b.env]}}\n") == "b!:;");
    CHECK(
        declared_in("configs: {a: {content: \"x\\n${Y}\"}, b: {content: \"a=b\\n\"}, c: {file: x}}\n", "c").contents ==
        std::vector<std::string>{"b"});
}
