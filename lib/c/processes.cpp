// The processes of davit/davit.h: ProcessSession of davit/streams.hpp.
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/json_options.hpp"
#include "davit/streams.hpp"

#include <csignal>
#include <cstdint>

struct davit_process {
    davit::ProcessSession session;
};

namespace {

using namespace davit;

ProcessSession& session_of(davit_process* process) {
    if (!process) throw error(Errc::usage, "the process is NULL");
    return process->session;
}

} // namespace

extern "C" {

davit_process* davit_process_new(davit_engine* engine, const char* name, const char* service, const char* command,
                                 davit_error** error) {
    return c::made(error, [&] {
        return new davit_process{exec_session(c::engine_of(engine), c::first_of(engine, name, service),
                                              c::exec_options(c::required(command, "the command")))};
    });
}

davit_process* davit_process_attach(davit_engine* engine, const char* name, const char* service, int input,
                                    davit_error** error) {
    return c::made(error, [&] {
        return new davit_process{attach_session(c::engine_of(engine), c::first_of(engine, name, service), input != 0)};
    });
}

int davit_process_fd(const davit_process* process) { return process ? process->session.fd() : -1; }

char* davit_process_next(davit_process* process, int* stream, size_t* size, davit_error** error) {
    return c::made(error, [&]() -> char* {
        const auto piece = session_of(process).next();
        if (stream) *stream = piece ? static_cast<int>(piece->stream) : 0;
        if (size) *size = piece ? piece->text.size() : 0;
        return piece ? c::text_for_caller(piece->text) : nullptr;
    });
}

size_t davit_process_write(davit_process* process, const char* bytes, size_t size, davit_error** error) {
    size_t taken = 0;
    c::guarded(error, [&] { taken = session_of(process).write({bytes ? bytes : "", bytes ? size : 0}); });
    return taken;
}

int davit_process_input_fd(const davit_process* process) { return process ? process->session.input_fd() : -1; }

int davit_process_close_input(davit_process* process, davit_error** error) {
    return c::guarded(error, [&] { session_of(process).close_input(); });
}

int davit_process_signal(davit_process* process, int number, davit_error** error) {
    return c::guarded(error, [&] {
        if (number < 1 || number > SIGRTMAX) throw davit::error(Errc::usage, "{} is not a signal", number);
        session_of(process).signal(number);
    });
}

int davit_process_resize(davit_process* process, int rows, int columns, davit_error** error) {
    return c::guarded(error, [&] {
        if (rows < 0 || rows > UINT16_MAX || columns < 0 || columns > UINT16_MAX)
            throw davit::error(Errc::usage, "{} rows of {} are no terminal", rows, columns);
        session_of(process).resize({static_cast<std::uint16_t>(rows), static_cast<std::uint16_t>(columns)});
    });
}

int davit_process_done(const davit_process* process) { return !process || process->session.done() ? 1 : 0; }

int davit_process_exit_code(const davit_process* process) {
    return process ? process->session.exit_code().value_or(-1) : -1;
}

void davit_process_free(davit_process* process) { delete process; }

} // extern "C"
