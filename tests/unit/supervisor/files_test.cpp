#include "../project/scratch.hpp"
#include "base/file.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/kept_addresses.hpp"
#include "supervisor/plans/journal.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;
using test::Scratch;

TEST_CASE("a new supervisor finds the plan and what of it was done") {
    Scratch scratch;
    Plan plan;
    plan.project = "shop";
    plan.operations.resize(3);
    for (int i = 0; i < 3; ++i) plan.operations[static_cast<std::size_t>(i)].id = i + 1;
    Journal first(scratch.path());
    CHECK_FALSE(first.read());
    first.begin("token", plan);
    first.done(1);
    first.done(3);
    auto found = Journal(scratch.path()).read();
    REQUIRE(found);
    CHECK(found->token == "token");
    CHECK(found->plan == plan);
    CHECK(found->done == std::set<int>{1, 3});
    first.end();
    CHECK_FALSE(Journal(scratch.path()).read());
    CHECK(list_directory(scratch.path()).empty());
}

TEST_CASE("plans that run beside each other have a journal each, and torn ones go") {
    Scratch scratch;
    Plan plan;
    plan.project = ".machine";
    plan.beside = true;
    Journal first(scratch.path(), "one"), second(scratch.path(), "two"), alone(scratch.path());
    first.begin("one", plan);
    second.begin("two", plan);
    second.done(4);
    alone.begin("alone", plan);
    write_file_atomic(scratch.path() + "/plan-three.json", "{\"token\":\"x\",\"pl");
    std::map<std::string, std::set<int>> found;
    for (const auto& f : Journal::read_all(scratch.path())) found[f.token] = f.done;
    CHECK(found == std::map<std::string, std::set<int>>{{"alone", {}}, {"one", {}}, {"two", {4}}});
    for (Journal* journal : {&first, &second, &alone}) journal->end();
    CHECK(list_directory(scratch.path()).empty());
}

TEST_CASE("a torn journal is as none, and a plan that begins forgets what was done of the last") {
    Scratch scratch;
    Journal journal(scratch.path());
    journal.begin("a", {});
    journal.done(7);
    journal.begin("b", {});
    CHECK(journal.read()->done.empty());
    write_file_atomic(scratch.path() + "/plan.json", "{\"token\":\"x\",\"pl");
    CHECK_FALSE(journal.read());
}

TEST_CASE("who has which address is written down for a project and goes with it") {
    Scratch scratch;
    Roots roots = scratch.roots();
    RecordStore store(roots);
    for (const char* project : {"shop", "shop.json"}) store.write(ProjectRecord{.name = project});
    const KeptAddresses kept{{"web/1", {net::IpAddress::parse("10.1.0.2"), net::IpAddress::parse("fd00::2")}},
                             {"web/2", {net::IpAddress::parse("10.1.0.3")}}};
    write_kept(roots, "shared", "shop", kept);
    write_kept(roots, "shared", "shop.json", {{"db/1", {net::IpAddress::parse("10.1.0.9")}}});
    CHECK(read_kept(roots, "shared", "shop") == kept);
    CHECK(read_kept(roots, "other", "shop").empty());
    CHECK(kept_by_others(roots, "shared", "shop") == std::set{net::IpAddress::parse("10.1.0.9")});
    write_kept(roots, "shared", "gone", kept); // of a project that is not there
    CHECK(kept_by_others(roots, "shared", "shop").size() == 1);
    CHECK(read_kept(roots, "shared", "gone").empty());
    const std::string file = roots.addresses() + "/shared/shop.json";
    write_file_atomic(file + ".0123abcd.tmp", "cut");
    for (const char* text : {"{", "[]", "{\"format\":1}", "{\"format\":2,\"addresses\":{\"web/1\":[\"10.1.0.2\"]}}",
                             "{\"format\":1,\"addresses\":[1]}"}) {
        write_file_atomic(file, text);
        CHECK(read_kept(roots, "shared", "shop").empty());
    }
    store.remove_project("shop");
    CHECK(list_directory(roots.addresses() + "/shared") == std::vector<std::string>{"shop.json.json"});
    store.remove_project("shop.json");
    CHECK_FALSE(exists(roots.addresses()));
}

TEST_CASE("nothing is kept for a one-off") {
    ContainerRecord r;
    r.service = "web";
    r.number = 3;
    CHECK(holder_of(r) == "web/3");
    r.oneoff = true;
    CHECK(holder_of(r).empty());
}

TEST_CASE("projects on one network see each other's endpoints and not their own") {
    Scratch scratch;
    Roots roots = scratch.roots();
    net::dns::NamedEndpoint e{
        "id1", "shop-web-1", "shared", {net::IpAddress::parse("10.1.0.2"), net::IpAddress::parse("fd00::2")}, {"web"}};
    write_endpoints(roots, "shared", "shop", {{e}, {}, 0});
    CHECK(read_foreign_endpoints(roots, "shared", "shop").empty());
    auto seen = read_foreign_endpoints(roots, "shared", "blog");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].first == "shop");
    CHECK(seen[0].second == std::vector{e});
    write_file_atomic(endpoints_dir(roots, "shared") + "/broken.json", "[{]");
    CHECK(read_foreign_endpoints(roots, "shared", "blog").size() == 1);
    ::unlink((endpoints_dir(roots, "shared") + "/broken.json").c_str());
    write_endpoints(roots, "shared", "shop", {});
    CHECK_FALSE(exists(endpoints_dir(roots, "shared")));
}
