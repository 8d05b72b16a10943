// threads [ROUNDS]: four threads of one program use all of the library at once, two of them one Engine: for the
// sanitizers, and for whatever two threads must not share. The image is loaded by this program: DAVIT_IMAGES.
#include <davit/events.hpp>
#include <davit/files.hpp>
#include <davit/images.hpp>
#include <davit/in_code.hpp>
#include <davit/inspect.hpp>
#include <davit/project_builder.hpp>
#include <davit/scope.hpp>
#include <davit/stats.hpp>
#include <davit/streams.hpp>
#include <davit/system.hpp>
#include <davit/volumes.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::atomic<bool> failed{false};

void require_that(bool holds, const std::string& what) {
    if (holds || failed.exchange(true)) return;
    std::cerr << "not so: " << what << "\n";
}

davit::Project clock_of(const std::string& name) {
    davit::ProjectBuilder b(name);
    b.service("clock")
        .image("busybox")
        .command({"sh", "-c", "echo ready; exec sleep 1000"})
        .volume("rows:/rows")
        .port("80")
        .stop_signal("KILL");
    b.service("second").image("busybox").command({"sleep", "1000"}).stop_signal("KILL").depends_on("clock");
    return b.build();
}

void scopes(int rounds) {
    for (int i = 0; i < rounds; ++i) {
        davit::ScopeOptions options;
        options.unique = options.ephemeral_ports = true;
        davit::Scope scope = davit::Engine().scope(clock_of("scoped"), options);
        scope.wait(davit::running("second"), davit::log("clock", "ready"), 60s);
        require_that(scope.exec("clock", {"echo", "hello"}).stdout_text == "hello\n", "a command runs in a scope");
        require_that(scope.url("clock", 80).starts_with("http://"), "a scope has urls");
    }
}

void projects(davit::Engine& engine, int rounds) {
    const davit::Project project = clock_of("shared");
    for (int i = 0; i < rounds; ++i) {
        engine.up(project);
        davit::wait(engine, "shared", {davit::log("clock", "ready")}, 60s);
        const auto all = engine.containers("shared");
        const auto clock =
            std::find_if(all.begin(), all.end(), [](const davit::ContainerInfo& c) { return c.service == "clock"; });
        require_that(clock != all.end(), "the clock is there");
        davit::ExecOptions cat;
        cat.command = {"cat"};
        davit::ProcessSession process = davit::exec_session(engine, *clock, cat);
        process.write("through");
        process.close_input();
        std::string said;
        while (!process.done()) {
            pollfd ready{process.fd(), POLLIN, 0};
            ::poll(&ready, 1, 1000);
            while (auto piece = process.next()) said += piece->text;
        }
        require_that(said == "through" && process.exit_code() == 0, "a process hears and says: " + said);
        engine.restart(project);
        engine.scale(project, {{"second", 2}});
        engine.down(project);
    }
}

void texts_and_images(davit::Engine& engine, const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
        davit::Project p = davit::load_string("name: texts\nservices: {a: {image: busybox, ports: [80]}}");
        p.service("a").environment["N"] = std::to_string(i);
        davit::normalize(p);
        require_that(davit::render(p, davit::RenderFormat::yaml).find("busybox") != std::string::npos, "it is printed");
        engine.plan_up(p);
        const std::string name = "copy:" + std::to_string(i % 3);
        davit::tag_image(engine, "busybox", name);
        const int archive = ::memfd_create("archive", MFD_CLOEXEC);
        davit::save_images(engine, {name}, archive);
        davit::remove_image(engine, name);
        ::lseek(archive, 0, SEEK_SET);
        davit::load_images(engine, archive, "an archive");
        ::close(archive);
        davit::remove_image(engine, name);
    }
}

void look(davit::Engine& engine, const std::stop_token& stop) {
    auto events = davit::event_stream(engine);
    std::size_t seen = 0;
    while (!stop.stop_requested()) {
        for (const davit::ContainerInfo& c : engine.all_containers()) try {
                davit::inspect(engine, c);
                davit::stats(c);
                davit::processes(c);
            } catch (const davit::Error&) { // gone meanwhile
            }
        engine.projects();
        engine.networks();
        davit::volumes_in_use(engine);
        davit::list_images(engine);
        while (events.next()) ++seen;
    }
    require_that(seen > 0, "something was seen");
}

// What fails in a thread fails the program.
std::jthread started(std::function<void(std::stop_token)> work) {
    return std::jthread([work = std::move(work)](std::stop_token stop) {
        try {
            work(std::move(stop));
        } catch (const davit::Error& e) {
            require_that(false, e.describe());
        }
    });
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
    const char* images = std::getenv("DAVIT_IMAGES");
    if (!images) return 2;
    try {
        davit::Engine engine;
        davit::load_images(engine, images);
        {
            const auto watching = started([&](std::stop_token stop) { look(engine, stop); });
            const auto loading = started([&](std::stop_token stop) { texts_and_images(engine, stop); });
            const auto scoping = started([&](std::stop_token) { scopes(rounds); });
            projects(engine, rounds);
        }
        require_that(engine.all_containers().empty(), "nothing runs any more");
        require_that(davit::find_leaks(engine).empty(), "nothing is left over");
    } catch (const davit::Error& e) {
        require_that(false, e.describe());
    }
    return failed ? 1 : 0;
}
