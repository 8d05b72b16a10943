// The shim: clients that hear its container and speak to it.
#include "unit/runtime/shim_talk.hpp"

#include <csignal>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

TEST_CASE("an attached client hears everything and can speak") {
    Box box;
    box.spec.process.stdin_open = true;
    box.start.hold_for_attach = true;
    box.start.stdin_once = true;
    box.sh("echo first; cat; echo last >&2; exit 5").launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    AttachRequest attach;
    attach.input = true;
    client->attach(attach);
    client->wait_for<Started>(limit);
    CHECK(client->send_input("one\n"));
    CHECK(client->send_input("two\n"));
    client->close_input();
    Heard heard = listen(*client, box);
    CHECK(heard.out == "first\none\ntwo\n");
    CHECK(heard.err == "last\n");
    CHECK(heard.end->code == 5);
    CHECK(box.log_text("stdout") == "first\none\ntwo\n");
}

TEST_CASE("the end of a client's input is the container's only where it has but one client") {
    Box box;
    box.spec.process.stdin_open = true;
    box.start.hold_for_attach = true;
    box.sh("read x; echo 1-$x; read x; echo 2-$x; read x || echo over").launch();
    box.shim.control.wait_for<Held>(limit);
    AttachRequest attach;
    attach.input = true;
    auto first = ShimConnection::connect(box.start.run_dir);
    REQUIRE(first);
    first->attach(attach);
    first->wait_for<Started>(limit);
    CHECK(first->send_input("one\n"));
    first->close_input();
    wait_for_line(box, "1-one");
    auto second = ShimConnection::connect(box.start.run_dir);
    REQUIRE(second);
    second->attach(attach);
    CHECK(second->send_input("two\n"));
    wait_for_line(box, "2-two");
    CHECK(box.log_text("stdout") == "1-one\n2-two\n"); // the third read waits
    second->signal(SIGKILL);
    CHECK(listen(*second, box).end->code == 137);
}

TEST_CASE("a lossless client that reads late gets every byte; the log has them too") {
    Box box;
    box.start.hold_for_attach = true;
    box.sh("i=0; while [ $i -lt 20000 ]; do echo line-$i-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); "
           "done")
        .launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    client->attach({});
    client->wait_for<Started>(limit);
    wait_for_line(box, "line-100-"); // it has written more than fits into the socket before we read on
    Heard heard = listen(*client, box);
    CHECK(heard.out == box.log_text("stdout"));
    CHECK(heard.out.ends_with("line-19999-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"));
}

TEST_CASE("a client that only wants what it can take is cut off and slows nobody") {
    Box box;
    box.start.hold_for_attach = true;
    box.sh("head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 100").launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    AttachRequest lossy;
    lossy.lossless = false;
    client->attach(lossy);
    CHECK(box.wait_exited().code == 0);
    CHECK(box.log_text().size() > 3000000);
}
