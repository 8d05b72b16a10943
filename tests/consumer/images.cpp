// Images for programs: room that is asked for before a pull, an archive from a descriptor, a start with no registry.
//   images NAME PINNED
// NAME is at a registry, PINNED is the same by its digest. A line is said, and one waited for, before what comes next:
// the caller counts what the registry was asked, and ends it. Built against the installed library alone.
#include <davit/images.hpp>
#include <davit/in_code.hpp>
#include <davit/scope.hpp>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void require_that(bool holds, const std::string& what) {
    if (holds) return;
    std::cerr << "not so: " << what << "\n";
    std::exit(1);
}

void next(const char* done) {
    std::cout << done << std::endl;
    std::string line;
    std::getline(std::cin, line);
}

davit::Engine keeping(std::uint64_t bytes) {
    davit::EngineOptions options;
    options.keep_free = bytes;
    return davit::Engine(options);
}

davit::Project of(const std::string& image) {
    return davit::load_string("name: pinned\nservices: {one: {image: '" + image + "', stop_signal: KILL}}");
}

void refused(const std::string& what, const std::string& image, const std::function<void()>& call) {
    try {
        call();
        require_that(false, what + " is refused");
    } catch (const davit::Error& e) {
        require_that(e.kind() == davit::Errc::failed && e.os().value() == ENOSPC, what + ": " + e.describe());
        require_that(e.describe().find(image) != std::string::npos && !e.hint().empty(), "with its name and a way out");
    }
}

// A plain archive in memory: it is read where it lies, and once the store has all of it not even that.
void by_descriptor(davit::Engine& engine, const std::string& name) {
    const int archive = ::memfd_create("archive", MFD_CLOEXEC);
    davit::save_images(engine, {name}, archive);
    davit::remove_image(engine, name, {true, false, {}});
    require_that(!davit::find_image(engine, name), "the image is gone");
    ::lseek(archive, 0, SEEK_SET);
    ::fcntl(archive, F_ADD_SEALS, F_SEAL_WRITE);
    const auto loaded = davit::load_images(engine, archive, "an archive in memory");
    require_that(loaded.size() == 1 && davit::find_image(engine, name).has_value(), "it comes from a descriptor");
    require_that(::lseek(archive, 0, SEEK_CUR) == 0, "which stays where it was: nothing is copied through it");
    ::close(archive);
}

std::uint64_t bytes_written() { // by all threads of this process: proc(5)
    std::ifstream io("/proc/self/io");
    std::string key;
    std::uint64_t value = 0;
    while (io >> key >> value)
        if (key == "wchar:") return value;
    require_that(false, "the kernel counts what a process writes");
    return 0;
}

// From a pipe each blob is written once, to where it stays, and its files once: there is no copy of the archive.
void by_pipe(davit::Engine& engine, const std::string& name) {
    const int archive = ::memfd_create("archive", MFD_CLOEXEC);
    davit::save_images(engine, {name}, archive);
    struct stat st {};
    ::fstat(archive, &st);
    const auto size = static_cast<std::uint64_t>(st.st_size), unpacked = davit::require_image(engine, name).size;
    davit::remove_image(engine, name, {true, false, {}});
    int ends[2];
    require_that(::pipe2(ends, O_CLOEXEC) == 0, "there is a pipe");
    const pid_t writer = ::fork();
    if (writer == 0) {
        char buffer[65536];
        ssize_t n = 0;
        for (off_t at = 0; (n = ::pread(archive, buffer, sizeof buffer, at)) > 0; at += n)
            if (::write(ends[1], buffer, static_cast<std::size_t>(n)) != n) ::_exit(1);
        ::_exit(0);
    }
    ::close(ends[1]);
    const std::uint64_t before = bytes_written();
    davit::load_images(engine, ends[0], "a pipe");
    const std::uint64_t wrote = bytes_written() - before;
    int status = 0;
    ::waitpid(writer, &status, 0);
    require_that(davit::find_image(engine, name).has_value() && status == 0, "it comes from a pipe");
    constexpr std::uint64_t records = 64u << 10;
    require_that(wrote <= size + unpacked + records, "nothing is written twice: " + std::to_string(wrote) + " of " +
                                                         std::to_string(size) + " and " + std::to_string(unpacked));
    ::close(ends[0]);
    ::close(archive);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::string name = argv[1], pinned = argv[2];
    constexpr std::uint64_t more_than_there_is = std::uint64_t{1} << 60;
    try {
        davit::Engine small = keeping(more_than_there_is), engine = keeping(1);
        refused("a pull", name, [&] { davit::pull_image(small, name); });
        refused("an up", name, [&] { small.up(of(name)); });
        require_that(davit::list_images(engine).empty() && small.containers("pinned").empty(), "nothing is left of it");
        next("refused");
        davit::pull_image(engine, pinned);
        davit::pull_image(small, pinned); // what is here takes no room
        next("pulled");
        by_descriptor(engine, pinned);
        by_pipe(engine, pinned);
        davit::empty_image_trash(engine);
        davit::Scope scope = small.scope(of(pinned));
        require_that(scope.container("one").state == davit::ContainerState::running, "it starts without a registry");
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
