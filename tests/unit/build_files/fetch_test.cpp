#include "build/files/fetch.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/process.hpp"
#include "build/files/context.hpp"
#include "build/files/http_memory.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <utility>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

// HTTP on loopback, an answer a path; one connection at a time, closed after each answer.
class Server {
public:
    explicit Server(std::function<std::string(const std::string& request)> answer) : answer_(std::move(answer)) {
        socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(socket_.get(), 8) == 0);
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        url_ = fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        ::shutdown(socket_.get(), SHUT_RDWR);
        thread_.join();
    }
    const std::string& url() const { return url_; }

private:
    void serve() {
        for (;;) {
            const UniqueFd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!peer) return;
            std::string request;
            char buffer[4096];
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
                if (n <= 0) break;
                request.append(buffer, static_cast<std::size_t>(n));
            }
            const std::string out = answer_(request);
            for (std::size_t at = 0; at < out.size();) {
                const ssize_t n = ::send(peer.get(), out.data() + at, out.size() - at, MSG_NOSIGNAL);
                if (n <= 0) break;
                at += static_cast<std::size_t>(n);
            }
        }
    }
    std::function<std::string(const std::string&)> answer_;
    UniqueFd socket_;
    std::string url_;
    std::thread thread_;
};

std::string ok(const std::string& body, const std::string& headers = "") {
    return fmt::format("HTTP/1.1 200 OK\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{}", headers, body.size(),
                       body);
}
std::string status(int code, const std::string& headers = "") {
    return fmt::format("HTTP/1.1 {} X\r\nConnection: close\r\n{}Content-Length: 0\r\n\r\n", code, headers);
}
std::string path_asked(const std::string& request) { return request.substr(4, request.find(' ', 4) - 4); }

struct AddGround : Ground {
    davit::test::TempDir scratch;
    HttpFileOptions http;
    CopyResult add(const dockerfile::CopyStep& step) const {
        const RemoteSources remote(step, {scratch.path(), {"Dockerfile", 7, 7, 1}, http});
        CopyOptions options = this->options();
        options.remote = [&](const std::string& written) { return remote.find(written); };
        const std::string before = content_digest(source(), step, options);
        CopyResult out = build::copy(source(), step, root.get(), options);
        CHECK(out.digest == before);
        return out;
    }
    static dockerfile::CopyStep add_step(std::vector<std::string> sources, const std::string& to) {
        auto out = step(std::move(sources), to);
        out.add = true;
        return out;
    }
};

Errc kind_of(const std::function<void()>& fn, std::string* text = nullptr) {
    try {
        fn();
    } catch (const Error& e) {
        if (text) *text = e.describe();
        return e.kind();
    }
    FAIL("nothing was refused");
    return Errc::failed;
}

// git in a directory, with fixed people and dates; false: git is not here.
bool git(const std::string& directory, const std::string& script) {
    SpawnOptions options;
    options.argv = {"sh", "-ec",
                    "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
                    "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; command -v git >/dev/null; " +
                        script};
    options.cwd = directory;
    return run(options).status.code == 0;
}

} // namespace

TEST_CASE("URL: names and dates") {
    CHECK(file_name_of("http://h/a/f.txt?v=1#x") == "f.txt");
    CHECK(file_name_of("http://h/a%20b/c%2Fd") == "d");
    CHECK(file_name_of("http://h") == "__unnamed__");
    CHECK(file_name_of("http://h/") == "__unnamed__");
    CHECK(file_name_of("http://h/x/..") == "__unnamed__");
    CHECK(file_name_of("http://h/%zz") == "%zz");
    CHECK(parse_http_date("Sat, 03 Feb 2001 04:05:06 GMT") == 981173106);
    CHECK(!parse_http_date("Sat, 03 Feb 2001 04:05:06 CET"));
    CHECK(!parse_http_date("yesterday"));
}

TEST_CASE("ADD of URLs: mode, time, name, checksum, redirects") {
    const std::string digest = sha256_hex("f\n");
    Server elsewhere([](const std::string& request) {
        return request.find("Authorization") == std::string::npos ? ok("moved\n") : status(400);
    });
    const Server server([&](const std::string& request) {
        const std::string path = path_asked(request);
        if (path == "/f.txt" || path == "/f.txt?v=1")
            return ok("f\n", "Last-Modified: Sat, 03 Feb 2001 04:05:06 GMT\r\n");
        if (path == "/redirect/g.txt") return status(302, "Location: /f.txt\r\n");
        if (path == "/away") return status(302, "Location: " + elsewhere.url() + "/x\r\n");
        if (path == "/loop") return status(301, "Location: /loop\r\n");
        if (path == "/auth")
            return request.find("Authorization: Bearer word\r\n") != std::string::npos ? ok("secret") : status(401);
        return status(404);
    });
    AddGround g;
    g.add(AddGround::add_step({server.url() + "/f.txt"}, "/x/"));
    g.add(AddGround::add_step({server.url() + "/redirect/g.txt", server.url() + "/f.txt?v=1"}, "/r/"));
    auto step = AddGround::add_step({server.url() + "/f.txt"}, "/a");
    step.chmod = "u=rw,go=r";
    step.checksum = "sha256:" + digest;
    g.add(step);
    CHECK(g.tree() == Tree{{"a", "f 0644 f\n"},
                           {"r", "d 0755"},
                           {"r/f.txt", "f 0600 f\n"},
                           {"r/g.txt", "f 0600 f\n"},
                           {"x", "d 0755"},
                           {"x/f.txt", "f 0600 f\n"}});
    struct stat st {};
    CHECK(::stat((g.to / "x/f.txt").c_str(), &st) == 0);
    CHECK(st.st_mtim.tv_sec == 981173106);
    step.checksum = "sha256:" + std::string(64, '0');
    CHECK(kind_of([&] { g.add(step); }) == Errc::failed);
    step.checksum = "md5:00";
    CHECK(kind_of([&] { g.add(step); }) == Errc::usage);
    std::string text;
    CHECK(kind_of([&] { g.add(AddGround::add_step({server.url() + "/none"}, "/")); }, &text) == Errc::not_found);
    CHECK(text.find("Dockerfile:7:1: " + server.url() + "/none: the server answered 404") == 0);
    CHECK(kind_of([&] { g.add(AddGround::add_step({server.url() + "/loop"}, "/")); }) == Errc::failed);
    CHECK(kind_of([&] { g.add(AddGround::add_step({"http://127.0.0.1:1/f"}, "/")); }) == Errc::unavailable);
    CHECK(kind_of([&] { g.add(AddGround::add_step({server.url() + "/auth"}, "/")); }) == Errc::denied);
    g.http.secret = [](const std::string& id) {
        return id == "HTTP_AUTH_TOKEN_127.0.0.1" ? std::optional<std::string>("word\n") : std::nullopt;
    };
    g.add(AddGround::add_step({server.url() + "/auth", server.url() + "/away"}, "/s/"));
    CHECK(g.tree()["s/auth"] == "f 0600 secret");
    CHECK(g.tree()["s/away"] == "f 0600 moved\n"); // the secret was not sent on
    g.http.most_bytes = 3;
    CHECK(kind_of([&] { g.add(AddGround::add_step({server.url() + "/auth"}, "/")); }) == Errc::failed);
    CHECK(fs::is_empty(g.scratch.path())); // nothing stays
    // A checksum is of what is fetched.
    step = AddGround::add_step({"a"}, "/");
    put(g.from / "a", "");
    step.checksum = "sha256:" + digest;
    CHECK(kind_of([&] { g.add(step); }) == Errc::usage);
}

TEST_CASE("ADD of URLs: what breaks off or is too busy is asked again") {
    std::atomic<int> asked = 0;
    const Server server([&](const std::string&) {
        switch (asked++) {
        case 0: return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        case 1: return status(503);
        default: return ok("whole");
        }
    });
    AddGround g;
    g.add(AddGround::add_step({server.url() + "/f"}, "/f"));
    CHECK(g.tree()["f"] == "f 0600 whole");
}

TEST_CASE("ADD of URLs: what has not changed is known without a download, and fetched when it is wanted") {
    std::string body = "one", etag = "\"1\"";
    std::vector<std::string> answered;
    const Server server([&](const std::string& request) {
        const bool same = !etag.empty() ? request.find("If-None-Match: " + etag + "\r\n") != std::string::npos
                                        : request.find("If-Modified-Since: Sat, 03 Feb 2001") != std::string::npos;
        answered.push_back(same ? "304" : "200");
        if (same) return status(304);
        return ok(body, etag.empty() ? "Last-Modified: Sat, 03 Feb 2001 04:05:06 GMT\r\n" : "ETag: " + etag + "\r\n");
    });
    AddGround g;
    const davit::test::TempDir memory;
    g.http.memory = memory / "urls";
    auto step = AddGround::add_step({server.url() + "/f"}, "/f");
    const auto asked = [&] {
        std::string out;
        for (const auto& one : std::exchange(answered, {})) out += one + " ";
        return out;
    };
    const auto digest = [&] {
        const RemoteSources remote(step, {g.scratch.path(), {"Dockerfile", 7, 7, 1}, g.http});
        CopyOptions options = g.options();
        options.remote = [&](const std::string& written) { return remote.find(written); };
        return content_digest(g.source(), step, options);
    };
    const std::string first = g.add(step).digest;
    CHECK(asked() == "200 ");
    CHECK(digest() == first);
    CHECK(asked() == "304 ");
    CHECK(g.add(step).digest == first);
    CHECK(asked() == "304 200 ");
    CHECK(g.tree()["f"] == "f 0600 one");
    body = "two", etag = "\"2\"";
    CHECK(digest() != first);
    CHECK(asked() == "200 ");
    step.checksum = "sha256:" + sha256_hex("two");
    digest();
    CHECK(asked() == "304 ");
    step.checksum = "sha256:" + sha256_hex("one");
    CHECK(kind_of([&] { digest(); }) == Errc::failed);
    step.checksum.clear();
    etag.clear();
    digest();
    asked();
    digest();
    CHECK(asked() == "304 ");
    for (const auto& entry : fs::directory_iterator(g.http.memory)) std::ofstream(entry.path()) << "{\"url\": 1";
    digest();
    CHECK(asked() == "200 ");
    g.http.memory.clear();
    digest();
    CHECK(asked() == "200 ");
    CHECK(fs::is_empty(g.scratch.path()));
}

TEST_CASE("ADD of URLs: what is remembered of them stays small") {
    const davit::test::TempDir place;
    const std::string directory = place / "urls";
    constexpr std::size_t most = 100;
    const HttpMemory memory(directory, most);
    const auto url = [](std::size_t n) { return "http://h/" + std::to_string(n); };
    HttpFile file;
    file.sha256 = std::string(64, 'a');
    file.etag = std::string(20000, 'x');
    memory.keep(url(0), file);
    CHECK(memory.list().empty()); // more words than it is worth
    file.etag = "e";
    const auto age = [&](std::size_t n, int seconds) {
        const timespec when{std::time(nullptr) - seconds, 0}, times[2] = {when, when};
        ::utimensat(AT_FDCWD, (directory + "/" + sha256_hex(url(n)) + ".json").c_str(), times, 0);
    };
    for (std::size_t n = 0; n < most; ++n) {
        memory.keep(url(n), file);
        age(n, static_cast<int>(10000 - n));
    }
    std::ofstream(directory + "/half-written") << "{";
    const timespec old{1000, 0}, times[2] = {old, old};
    ::utimensat(AT_FDCWD, (directory + "/half-written").c_str(), times, 0);
    CHECK(memory.find(url(0))); // used now
    memory.keep("http://h/new", file);
    const auto left = memory.list();
    CHECK(left.size() == most - most / 10);
    CHECK(memory.find(url(0)));
    CHECK(memory.find("http://h/new"));
    CHECK_FALSE(memory.find(url(1)));
    CHECK(memory.find(url(most - 1)));
    CHECK(left.front().url == url(12));
    CHECK(left.front().size > 0);
    CHECK_FALSE(fs::exists(directory + "/half-written"));
    memory.forget(left.front().id);
    CHECK_FALSE(memory.find(url(12)));
    CHECK(HttpMemory(place / "none").list().empty());
}

TEST_CASE("the time of a URL: as its server says, once for a time, and only of the file that is meant") {
    int sent = 0;
    const Server server([&](const std::string& request) {
        const bool dated = path_asked(request) == "/dated";
        if (request.find("If-None-Match: ") != std::string::npos) return status(304);
        ++sent;
        return ok("one", dated ? "ETag: \"1\"\r\nLast-Modified: Sat, 03 Feb 2001 04:05:06 GMT\r\n" : "ETag: \"1\"\r\n");
    });
    AddGround g;
    const davit::test::TempDir memory;
    g.http.memory = memory / "urls";
    const FetchOptions options{g.scratch.path(), {"Dockerfile", 7, 7, 1}, g.http};
    const std::string right = "sha256:" + sha256_hex("one"), wrong = "sha256:" + sha256_hex("two");
    for (int i = 0; i < 2; ++i) CHECK(time_of_remote(server.url() + "/dated", right, options) == 981173106);
    CHECK(sent == 1);
    const RemoteSources remote(AddGround::add_step({server.url() + "/dated"}, "/f"), options);
    CHECK(sent == 1); // the step knows it by then
    Downloads early;
    FetchOptions keeping = options;
    keeping.early = &early;
    keeping.http.memory.clear();
    CHECK(time_of_remote(server.url() + "/dated", right, keeping) == 981173106);
    CHECK(sent == 2);
    {
        const RemoteSources kept(AddGround::add_step({server.url() + "/dated"}, "/f"), keeping);
        CHECK(!kept.find(server.url() + "/dated")->fetch); // it has the file
        CHECK(sent == 2);
    }
    CHECK(!time_of_remote(server.url() + "/none", "", options));
    CHECK(!time_of_remote(server.url() + "/none", "", options)); // 304, but what is in it must be seen
    CHECK(kind_of([&] { time_of_remote(server.url() + "/dated", wrong, options); }) == Errc::failed);
    CHECK(kind_of([&] { time_of_remote(server.url() + "/fresh", wrong, options); }) == Errc::failed);
    CHECK(fs::is_empty(g.scratch.path()));
}

TEST_CASE("git sources: how they are written") {
    struct Row {
        const char* text;
        bool context;
        const char *url, *ref, *subdirectory, *checksum; // url null: none
    };
    for (const Row& row : std::initializer_list<Row>{
             {"https://h/r.git", false, "https://h/r.git", "", "", ""},
             {"https://h/r.git#v1:sub", false, "https://h/r.git", "v1", "sub", ""},
             {"https://h/r.git?ref=v1&subdir=a/b&checksum=abc", false, "https://h/r.git", "v1", "a/b", "abc"},
             {"https://h/r.git?tag=v1", false, "https://h/r.git", "refs/tags/v1", "", ""},
             {"https://h/r.git?tag=refs/tags/v1&ref=refs%2Ftags%2Fv1", false, "https://h/r.git", "refs/tags/v1", "",
              ""},
             {"https://h/r.git?branch=x&keep-git-dir=1", false, "https://h/r.git", "refs/heads/x", "", ""},
             {"git@h:r.git#main", false, "git@h:r.git", "main", "", ""},
             {"github.com/a/b", true, "https://github.com/a/b", "", "", ""},
             {"github.com/a/b", false, nullptr, "", "", ""},
             {"https://h/f.tar", false, nullptr, "", "", ""},
             {"a.txt", false, nullptr, "", "", ""},
         }) {
        CAPTURE(row.text);
        const auto source = parse_git_source(row.text, row.context);
        CHECK(source.has_value() == (row.url != nullptr));
        if (!source || !row.url) continue;
        CHECK(source->url == row.url);
        CHECK(source->ref == row.ref);
        CHECK(source->subdirectory == row.subdirectory);
        CHECK(source->checksum == row.checksum);
    }
    CHECK(parse_git_source("https://h/r.git?keep-git-dir=1", false)->keep_git_dir == true);
    CHECK(parse_git_source("https://h/r.git?keep-git-dir", false)->keep_git_dir == true);
    CHECK(parse_git_source("https://h/r.git?mtime=commit", false)->commit_times);
    CHECK(parse_git_source("https://h/r.git?fetch-by-commit", false)->by_commit);
    for (const char* query : {"frob=1", "ref=a&tag=b", "ref=a&ref=a", "tag=a&branch=a", "ref=", "mtime=now"}) {
        CAPTURE(query);
        CHECK(kind_of([&] { parse_git_source("https://h/r.git?" + std::string(query), false); }) == Errc::usage);
    }
    CHECK(is_remote_source("http://h/x"));
    CHECK(is_remote_source("git@h:x"));
    CHECK(!is_remote_source("a.txt"));
}

TEST_CASE("git: trees of a repository, and contexts") {
    davit::test::TempDir served;
    if (!git(served.path(),
             "git init -q -b main r.git; cd r.git; mkdir sub; echo one > f; echo s > sub/g; ln -s f l; "
             "ln -s /etc out; printf '#!/bin/sh\\n' > x; chmod 755 x; printf 'FROM scratch\\n' > Dockerfile; "
             "echo '*' > .dockerignore; git add -A; git commit -q -m 1; git tag v1; git tag -a -m tag noted; echo two "
             "> f; "
             "git commit -q -am 2; git init -q -b main ../sub.git; "
             "(cd ../sub.git; echo m > m; git add -A; git commit -q -m s); git checkout -q -b subs; "
             "git -c protocol.file.allow=always submodule --quiet add ../sub.git vendor/sub; git commit -q -m 3; "
             "git checkout -q -b evil; git config -f .gitmodules submodule.vendor/sub.url /srv/secret; "
             "git commit -q -am 4; git checkout -q main")) {
        MESSAGE("skipped: git is not installed");
        return;
    }
    // A free port, and the daemon on it.
    UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string port = std::to_string(ntohs(address.sin_port));
    probe.reset();
    SpawnOptions daemon;
    // Not by git(1), which would be what is ended in the daemon's place.
    daemon.argv = {"sh", "-c",
                   "exec \"$(git --exec-path)/git-daemon\" --export-all --listen=127.0.0.1 --reuseaddr "
                   "--port=" +
                       port + " --base-path=. . >/dev/null 2>&1"};
    daemon.cwd = served.path();
    const Child child = Child::spawn(daemon);
    const std::string url = "git://127.0.0.1:" + port + "/r.git";
    for (int i = 0; i < 200; ++i) {
        const UniqueFd there(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(there.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    AddGround g;
    const mode_t before = ::umask(077); // no matter
    g.add(AddGround::add_step({url}, "/x"));
    ::umask(before);
    CHECK(g.tree() == Tree{{"x", "d 0755"},
                           {"x/.dockerignore", "f 0644 *\n"},
                           {"x/Dockerfile", "f 0644 FROM scratch\n"},
                           {"x/f", "f 0644 two\n"},
                           {"x/l", "l -> f"},
                           {"x/out", "l -> /etc"},
                           {"x/sub", "d 0755"},
                           {"x/sub/g", "f 0644 s\n"},
                           {"x/x", "f 0755 #!/bin/sh\n"}});
    const CopyResult first = g.add(AddGround::add_step({url + "#v1:sub"}, "/v"));
    CHECK(g.tree()["v/g"] == "f 0644 s\n");
    CHECK(g.add(AddGround::add_step({url + "?tag=v1&subdir=sub"}, "/v2")).digest == first.digest);
    for (const char* of_one : {"#noted:sub", "#refs/tags/noted:sub", "?tag=noted&subdir=sub", "#tags/noted:sub"})
        CHECK(g.add(AddGround::add_step({url + of_one}, "/t")).digest == first.digest);
    const auto id_of = [&](const std::string& name) {
        const SpawnOptions parse{{"git", "-C", served.path() + "/r.git", "rev-parse", name}, {}, {}, false, true, ""};
        return run(parse).out.substr(0, 40);
    };
    const std::string tag = id_of("noted"), commit = id_of("v1"), main = id_of("main");
    REQUIRE(tag != commit);
    for (const std::string& sum : {tag, commit, tag.substr(0, 7), commit.substr(0, 7)})
        CHECK(g.add(AddGround::add_step({url + "?ref=noted&subdir=sub&checksum=" + sum}, "/t")).digest == first.digest);
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + "?ref=noted&checksum=" + main}, "/t")); }) == Errc::failed);
    const std::string by_commit = "?ref=nowhere&subdir=sub&fetch-by-commit&checksum=";
    CHECK(g.add(AddGround::add_step({url + by_commit + commit}, "/t")).digest == first.digest);
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + by_commit + "abc"}, "/t")); }) == Errc::usage);
    auto step = AddGround::add_step({url}, "/k");
    step.keep_git_dir = true;
    g.add(step);
    CHECK(get(g.to / "k/.git/HEAD").size() == 41);
    step.checksum = get(g.to / "k/.git/HEAD").substr(0, 12);
    step.destination = "/k2";
    g.add(step);
    step.checksum = "0123456";
    CHECK(kind_of([&] { g.add(step); }) == Errc::failed);
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + "#nope"}, "/n")); }) == Errc::not_found);
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + "#main:nope"}, "/n")); }) == Errc::not_found);
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + "#main:out"}, "/n")); }) == Errc::not_found);
    g.add(AddGround::add_step({url + "#subs"}, "/m"));
    CHECK(g.tree()["m/vendor/sub/m"] == "f 0644 m\n");
    CHECK(!g.tree().contains("m/vendor/sub/.git"));
    g.add(AddGround::add_step({url + "?ref=subs&submodules=false"}, "/alone"));
    CHECK(!g.tree().contains("alone/vendor/sub/m"));
    CHECK(kind_of([&] { g.add(AddGround::add_step({url + "#evil"}, "/n")); }) == Errc::failed);

    const FetchOptions fetch{g.scratch.path(), {"Dockerfile", 7, 7, 1}, g.http};
    const auto key_of = [&](const std::string& source) {
        return RemoteSources(AddGround::add_step({source}, "/n"), fetch).find(source)->key;
    };
    CHECK(key_of(url) == key_of(url + "?mtime=checkout"));
    CHECK(key_of(url) != key_of(url + "?mtime=commit"));
    g.add(AddGround::add_step({url + "?mtime=commit"}, "/old"));
    const auto seconds = time_of_remote(url, "", fetch);
    struct stat st {};
    CHECK(::stat((g.to / "old/f").c_str(), &st) == 0);
    CHECK(st.st_mtim.tv_sec == seconds);
    CHECK(kind_of([&] { time_of_remote(url, "0123456", fetch); }) == Errc::failed);

    ContextSpec spec;
    spec.context = url + "#v1";
    spec.scratch = g.scratch.path();
    spec.read_ignore = [](const std::string&, const std::string&) -> std::unique_ptr<PathFilter> {
        FAIL("no ignore file counts in what is fetched");
        return nullptr;
    };
    {
        BuildContext context = open_context(spec);
        CHECK(context.dockerfile() == "FROM scratch\n");
        CHECK(context.origin().size() == 40);
        const timespec other[2] = {{1, 0}, {1, 0}};
        REQUIRE(::utimensat(context.source().root, "sub/g", other, 0) == 0);
        context.take_commit_times();
        for (const char* path : {".", "f", "sub", "sub/g"}) {
            REQUIRE(::fstatat(context.source().root, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
            CHECK(st.st_mtim.tv_sec == context.modified({}));
        }
        CHECK(context.source().context);
        CHECK(!fs::is_empty(g.scratch.path()));
    }
    CHECK(fs::is_empty(g.scratch.path()));
}
