#include "build/keys.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <set>

using namespace davit;
using namespace davit::build;
using dockerfile::CopyStep;
using dockerfile::RunMount;
using dockerfile::RunStep;
using dockerfile::Step;

namespace {

// All that the key of a RUN is made of.
struct Given {
    std::string parent = scratch_key(), platform = "linux/amd64";
    Step step;
    RunStep run;
    BuildRequest request;
    std::vector<std::string> sources;
    std::string key() const { return whole().digest; }
    StepKey whole() const { return run_key(parent, step, run, request, platform, sources); }
};

Given usual() {
    Given g;
    g.run.args = {"/bin/sh", "-c", "make"};
    g.step.env = {"A=1"};
    g.step.config.working_dir = "/src";
    RunMount secret;
    secret.type = RunMount::Type::secret;
    secret.id = "token";
    RunMount bound;
    bound.target = "/in";
    RunMount cache;
    cache.type = RunMount::Type::cache;
    cache.target = "/cache";
    g.run.mounts = {secret, bound, cache};
    g.sources = {"sha256:of-the-files"};
    g.request.extra_hosts = {{"db", "10.0.0.1"}};
    g.request.secrets = {{"token", "", "", "hidden"}};
    return g;
}

using Change = std::function<void(Given&)>;

std::string changed(const Change& change) {
    Given g = usual();
    change(g);
    return g.key();
}

} // namespace

TEST_CASE("a RUN's key is the same for the same step, and another one for each thing that its result depends on") {
    const std::string before = usual().key();
    CHECK(before.starts_with("sha256:"));
    CHECK(before.size() == 71);
    CHECK(usual().key() == before);
    const std::vector<Change> changes = {
        [](Given& g) { g.parent = image_key({"sha256:a"}, "linux/amd64"); },
        [](Given& g) { g.platform = "linux/arm64"; },
        [](Given& g) { g.run.args.back() = "make all"; },
        [](Given& g) { g.run.args = {"/bin/sh -c make"}; },
        [](Given& g) { g.step.env = {"A=2"}; },
        [](Given& g) { g.step.env.push_back("B=1"); },
        [](Given& g) { g.step.config.working_dir = "/"; },
        [](Given& g) { g.step.config.user = "1000"; },
        [](Given& g) { g.sources = {"sha256:of-other-files"}; },
        [](Given& g) { g.run.mounts[0].id = "other"; },
        [](Given& g) { g.run.mounts[0].required = true; },
        [](Given& g) { g.run.mounts[1].target = "/elsewhere"; },
        [](Given& g) { g.run.mounts[1].read_only = false; },
        [](Given& g) { g.run.mounts[2].id = "other"; },
        [](Given& g) { g.run.mounts[2].sharing = RunMount::Sharing::locked; },
        [](Given& g) { g.run.mounts.pop_back(); },
        [](Given& g) {
            g.run.scripts = {{"x", "#!/bin/sh\n"}};
        },
        [](Given& g) { g.run.network = RunStep::Network::none; },
        [](Given& g) { g.run.insecure = true; },
        [](Given& g) { g.request.network = "none"; },
        [](Given& g) { g.request.extra_hosts.emplace_back("more", "10.0.0.2"); },
        [](Given& g) { g.request.shm_size = 1 << 20; },
        [](Given& g) {
            g.request.ulimits["nofile"] = {5, 6, false, {}};
        },
    };
    std::set<std::string> keys{before};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        CHECK(keys.insert(changed(changes[i])).second); // nor is it that of another change
    }
}

TEST_CASE("what a RUN's result must not depend on changes no key") {
    const std::string before = usual().key();
    const std::vector<Change> changes = {
        [](Given& g) { g.request.secrets[0].value = "another value"; },
        [](Given& g) { g.request.secrets.clear(); },
        [](Given& g) { g.request.ssh.emplace_back(); },
        [](Given& g) { g.request.extra_hosts[0].second = "10.9.9.9"; },
        [](Given& g) { g.request.labels.emplace_back("com.example", "1"); },
        [](Given& g) { g.request.tags.emplace_back("app:2"); },
        [](Given& g) { g.request.network = "default"; },
        [](Given& g) { g.request.args.emplace_back("SOURCE_DATE_EPOCH", "1"); },
        [](Given& g) { g.request.context = "/elsewhere"; },
        [](Given& g) { g.step.unkeyed_env = {"HTTP_PROXY=http://proxy"}; },
        [](Given& g) { g.step.config.labels["a"] = "b"; },
        [](Given& g) { g.step.config.cmd = {"sh"}; },
        [](Given& g) { g.step.place.first_line = 99; },
        [](Given& g) { g.step.instruction = "RUN  make"; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        CHECK(changed(changes[i]) == before);
    }
}

TEST_CASE("no working directory is the root, however it is written") {
    const auto at = [](const char* directory) {
        return changed([&](Given& g) { g.step.config.working_dir = directory; });
    };
    CHECK(at("") == at("/"));
    CHECK(at("/a/") == at("/a"));
    CHECK(at("/a") != at("/"));
}

TEST_CASE("what a stage begins with") {
    CHECK(scratch_key() == scratch_key());
    const std::string image = image_key({"sha256:a", "sha256:b"}, "linux/amd64");
    CHECK(image != image_key({"sha256:b", "sha256:a"}, "linux/amd64"));
    CHECK(image != image_key({"sha256:a", "sha256:b"}, "linux/arm64"));
    CHECK(image_key({}, "linux/amd64") != scratch_key());
}

TEST_CASE("a COPY counts by what it copies; one with --link stands without its parent") {
    CopyStep copy;
    copy.sources = {"a.txt"};
    copy.destination = "/app/";
    const std::string one = copy_key("p1", copy, "content").digest;
    CHECK(one == copy_key("p1", copy, "content").digest);
    CHECK(one != copy_key("p2", copy, "content").digest);
    CHECK(one != copy_key("p1", copy, "other content").digest);
    const auto with = [&](const std::function<void(CopyStep&)>& change) {
        CopyStep other = copy;
        change(other);
        return copy_key("p1", other, "content").digest;
    };
    CHECK(one == with([](CopyStep& c) { c.sources = {"*.txt"}; })); // the same files by another name
    CHECK(one != with([](CopyStep& c) { c.destination = "/app"; }));
    CHECK(one != with([](CopyStep& c) { c.chown = "1000"; }));
    CHECK(one != with([](CopyStep& c) { c.chmod = "755"; }));
    CHECK(one != with([](CopyStep& c) { c.parents = true; }));
    CHECK(one != with([](CopyStep& c) { c.exclude = {"*.md"}; }));
    CHECK(one != with([](CopyStep& c) { c.add = true; }));
    CHECK(with([](CopyStep& c) { c.unpack = true; }) != with([](CopyStep& c) { c.unpack = false; }));

    copy.add = true; // a URL's last part is the file's name
    CHECK(copy_key("p1", copy, "content").digest != with([](CopyStep& c) { c.sources = {"b.txt"}; }));
    copy.add = false;

    copy.link = true;
    CHECK(copy_key("p1", copy, "content").digest == copy_key("p2", copy, "content").digest);
    copy.chown = "1000:1000";
    CHECK(copy_key("p1", copy, "content").digest == copy_key("p2", copy, "content").digest);
    copy.chown = "www-data"; // only the parent's /etc/passwd tells who that is
    CHECK(copy_key("p1", copy, "content").digest != copy_key("p2", copy, "content").digest);
}

TEST_CASE("before the files are read, which of them they are counts too") {
    CopyStep one, other;
    one.sources = {"/etc/passwd"};
    other.sources = {"/etc/group"};
    CHECK(unread_content("layers", one) == unread_content("layers", one));
    CHECK(unread_content("layers", one) != unread_content("layers", other));
    CHECK(unread_content("layers", one) != unread_content("other layers", one));
}

TEST_CASE("what follows a COPY --link stands on what that was put onto") {
    CHECK(linked_key("below", "copy") == linked_key("below", "copy"));
    CHECK(linked_key("below", "copy") != linked_key("other", "copy"));
    CHECK(linked_key("below", "copy") != linked_key("below", "other"));
}

TEST_CASE("WORKDIR makes a directory of the step's user") {
    Step step;
    const std::string one = workdir_key("p", step, "/a").digest;
    CHECK(one != workdir_key("p", step, "/b").digest);
    CHECK(one != workdir_key("q", step, "/a").digest);
    CHECK(one != workdir_key("p", step, "/a", 0).digest);
    CHECK(workdir_key("p", step, "/a", 0).digest != workdir_key("p", step, "/a", 1).digest);
    step.config.user = "1000";
    CHECK(one != workdir_key("p", step, "/a").digest);
}

TEST_CASE("a key's parts tell what is another than before") {
    const auto parts = [](const Change& change) {
        Given g = usual();
        change(g);
        const StepKey was = usual().whole(), is = g.whole();
        CHECK(was.digest != is.digest);
        return std::string(was.parent != is.parent ? "parent " : "") + (was.content != is.content ? "content " : "") +
               (was.rest != is.rest ? "rest " : "");
    };
    CHECK(parts([](Given& g) { g.parent = "sha256:x"; }) == "parent ");
    CHECK(parts([](Given& g) { g.sources = {"sha256:of-other-files"}; }) == "content ");
    CHECK(parts([](Given& g) { g.run.args.back() = "make all"; }) == "rest ");
    CopyStep copy;
    copy.destination = "/app/";
    const StepKey one = copy_key("p1", copy, "a"), other = copy_key("p1", copy, "b");
    CHECK(one.content != other.content);
    CHECK(one.rest == other.rest);
    CHECK(one.parent == other.parent);
}
