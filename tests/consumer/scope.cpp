// What a Scope and its waits do for a program: each a project of busybox that is gone afterwards. Built against the
// installed library alone. The image is loaded by the caller of the test.
#include <davit/project_builder.hpp>
#include <davit/scope.hpp>
#include <davit/volumes.hpp>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

void require_that(bool holds, const std::string& what) {
    if (holds) return;
    std::cerr << "not so: " << what << "\n";
    std::exit(1);
}

davit::Errc kind_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const davit::Error& e) {
        return e.kind();
    }
    std::cerr << "nothing was thrown\n";
    std::exit(1);
}

davit::WaitError wait_error(const std::function<void()>& call) {
    try {
        call();
    } catch (const davit::WaitError& e) {
        return e;
    }
    std::cerr << "the wait came to an end\n";
    std::exit(1);
}

davit::ServiceBuilder sleeper(davit::ProjectBuilder& b, const std::string& name) {
    return b.service(name).image("busybox").command({"sleep", "1000"}).stop_signal("KILL");
}

davit::Project web() {
    davit::ProjectBuilder b("site");
    b.service("web")
        .image("busybox")
        .config("page", "hello\n", "/www/index.html")
        .command({"sh", "-c", "echo starting; exec httpd -f -p 80 -h /www"})
        .port("127.0.0.1:18080:80")
        .stop_signal("KILL")
        .with([](davit::Service& s) { s.container_name = "the-web"; });
    sleeper(b, "client").depends_on("web").volume("data:/data");
    return b.build();
}

davit::ScopeOptions apart() {
    davit::ScopeOptions options;
    options.unique = options.ephemeral_ports = true;
    return options;
}

void side_by_side() {
    davit::Scope first(web(), apart()), second(web(), apart());
    for (davit::Scope* scope : {&first, &second}) {
        scope->wait(davit::port("web", 80), davit::http("web", 80), davit::log_line("web", "^start"),
                    davit::command("client", {"true"}), 60s);
        require_that(scope->url("web", 80).starts_with("http://127.0.0.1:"), "it has a url");
        require_that(scope->exec("client", {"wget", "-qO-", "http://the-web/"}).stdout_text == "hello\n",
                     "container_name is an alias");
        require_that(scope->log("web") == "starting\n", "it has its own log");
    }
    require_that(first.name() != second.name() && first.url("web", 80) != second.url("web", 80), "each is its own");
    const auto out = first.exec("client", {"sh", "-c", "cat; echo wrong >&2; exit 3"}, "given");
    require_that(out.stdout_text == "given" && out.stderr_text == "wrong\n" && out.exit_code == 3, "exec tells all");
    require_that(kind_of([&] { first.url("client", 80); }) == davit::Errc::not_found, "a port that is not published");
    require_that(kind_of([&] { first.container("nobody"); }) == davit::Errc::not_found, "no such service");
    const std::string gone = second.name();
    second = std::move(first); // takes the second one down
    require_that(second.engine().containers(gone).empty() && second.containers().size() == 2, "a scope is moved");
}

void of_a_project_that_runs() {
    davit::ProjectBuilder b("theirs");
    sleeper(b, "one").volume("before:/v").volume("fresh:/w");
    const davit::Project project = b.build();
    davit::Engine engine;
    engine.up(project);
    require_that(kind_of([&] { davit::Scope scope(project); }) == davit::Errc::conflict, "it is refused");
    require_that(engine.containers("theirs").size() == 1, "and stays");
    davit::ScopeOptions adopting;
    adopting.adopt = true;
    {
        davit::Scope scope(project, adopting);
        require_that(kind_of([&] { davit::Scope again(project, adopting); }) == davit::Errc::conflict,
                     "two scopes in one process are one too many");
        scope.release();
    }
    require_that(engine.containers("theirs").size() == 1, "what was released stays");
    { davit::Scope scope(project, adopting); }
    require_that(engine.containers("theirs").empty() && engine.networks("theirs").empty(), "what was adopted goes");
    require_that(engine.volumes("theirs").size() == 2, "volumes that were there stay");
    davit::prune_volumes(engine, true);
    { davit::Scope scope(project); }
    require_that(engine.volumes().empty(), "those of the scope go");
}

void waits_that_fail() {
    davit::ProjectBuilder b("waits");
    b.service("ends").image("busybox").command({"sh", "-c", "echo first; echo last; exit 3"});
    b.service("fine").image("busybox").command({"sh", "-c", "echo done"});
    sleeper(b, "stays").healthcheck({"CMD", "test", "-e", "/well"}, 50ms, 0s, 1000);
    davit::Scope scope(b.build(), apart());
    scope.wait(davit::exited("ends", 3)); // or it may be seen while it runs
    const davit::WaitError never = wait_error([&] { scope.wait({davit::running("ends"), davit::healthy("stays")}); });
    require_that(!never.timed_out() && never.unmet().size() == 2,
                 "what never comes ends the waiting: " + never.describe());
    require_that(never.unmet()[0].why == "has exited with code 3", "with the reason: " + never.unmet()[0].why);
    require_that(never.unmet()[0].last_lines == std::vector<std::string>{"first", "last"}, "and the last lines");
    require_that(never.describe().find("| last") != std::string::npos, never.describe());
    scope.wait(davit::exited("ends", 3), davit::exited("fine"), davit::log_line("fine", "d.ne"));
    const davit::WaitError code = wait_error([&] { scope.wait({davit::exited("ends", 0)}); });
    require_that(!code.timed_out(), "another code is known at once");
    const davit::WaitError late = wait_error([&] {
        scope.wait({davit::log_line("stays", "nothing"), davit::port("stays", 80), davit::healthy("stays"),
                    davit::command("stays", {"false"}), davit::http("stays", 80), davit::running("nobody")},
                   300ms);
    });
    require_that(late.timed_out() && late.unmet().size() == 6, "all that is missing is told");
    require_that(late.unmet()[3].why == "the command has exited with 1", late.describe());
    require_that(wait_error([&] {
                     scope.wait({davit::healthy("fine"), davit::healthy("stays")}, 50ms);
                 }).kind() == davit::Errc::failed,
                 "its kind");
    scope.exec("stays", {"touch", "/well"});
    scope.wait(davit::healthy("stays"));
    require_that(kind_of([&] { scope.wait({davit::log_line("stays", "(")}); }) == davit::Errc::usage, "an expression");
    require_that(kind_of([&] { scope.wait({davit::port("stays", 0)}); }) == davit::Errc::usage, "a port");
    std::stop_source stopped;
    stopped.request_stop();
    require_that(kind_of([&] { scope.wait({davit::port("stays", 80)}, {}, stopped.get_token()); }) ==
                     davit::Errc::interrupted,
                 "it can be left");
}

void ends() {
    std::filesystem::create_directory("/tmp/told");
    davit::ProjectBuilder b("patient");
    b.service("one")
        .image("busybox")
        .command({"sh", "-c", "trap 'touch /told/term; exit 0' TERM; echo ready; while :; do sleep 0.05; done"})
        .volume("/tmp/told:/told");
    const davit::Project project = b.build();
    {
        davit::ScopeOptions options;
        options.grace = 60s;
        davit::Scope scope(project, options);
        scope.wait(davit::log_line("one", "ready"));
        if (const pid_t child = ::fork(); child == 0) {
            scope.down(); // a copy: nothing happens
            ::_exit(0);
        } else ::waitpid(child, nullptr, 0);
        require_that(scope.container("one").state == davit::ContainerState::running,
                     "a forked child has no part in it");
        scope.down();
        require_that(scope.containers().empty(), "it is down");
        scope.down(); // once more is nothing
        scope.up();
        require_that(scope.container("one").state == davit::ContainerState::running, "it comes up again");
    }
    require_that(davit::Engine().containers("patient").empty(), "and ends with the scope again");
    require_that(std::filesystem::exists("/tmp/told/term"), "its containers have heard of the end");
    std::filesystem::remove_all("/tmp/told");
    davit::ProjectBuilder broken("broken");
    sleeper(broken, "good");
    broken.service("bad").image("busybox").command({"/no/such/program"}).depends_on("good");
    require_that(kind_of([&] { davit::Scope scope(broken.build()); }) == davit::Errc::not_found, "a start that fails");
    davit::Engine engine;
    require_that(engine.all_containers().empty() && engine.networks("broken").empty(), "leaves nothing");
    require_that(engine.projects().empty(), "no project is left");
}

} // namespace

int main() {
    try {
        side_by_side();
        of_a_project_that_runs();
        waits_that_fail();
        ends();
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
    std::cout << "scopes do what they say\n";
}
