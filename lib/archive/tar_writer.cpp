#include "archive/tar_writer.hpp"

#include "archive/tar_number.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace davit::archive {

namespace {
constexpr std::uint64_t largest_octal = 077777777777;

void put_octal(char* at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i-- > 0; value >>= 3) at[i] = static_cast<char>('0' + (value & 7));
}

void put_size(char* at, std::uint64_t size) {
    if (size <= largest_octal) return put_octal(at, 11, size);
    for (std::size_t i = 12; i-- > 0; size >>= 8) at[i] = static_cast<char>(size & 0xff); // base-256
    at[0] = static_cast<char>(0x80);
}
} // namespace

void TarWriter::header(const std::string& path, char type, std::uint32_t mode, std::uint64_t size) {
    char block[tar_block] = {};
    if (path.size() > 100) throw error(Errc::failed, "the archive's file name '{}' is longer than 100 bytes", path);
    std::memcpy(block, path.data(), path.size());
    put_octal(block + 100, 7, mode);
    put_octal(block + 108, 7, 0);
    put_octal(block + 116, 7, 0);
    put_size(block + 124, size);
    put_octal(block + 136, 11, 0);
    block[156] = type;
    std::memcpy(block + 257,
                "ustar\0"
                "00",
                8);
    std::memset(block + 148, ' ', 8);
    std::uint64_t sum = 0;
    for (char c : block) sum += static_cast<unsigned char>(c);
    put_octal(block + 148, 6, sum);
    block[154] = 0;
    write({block, tar_block});
}

void TarWriter::write(std::string_view bytes) {
    throw_if_stopped(stop_);
    sys::write_all(fd_, bytes);
}

void TarWriter::pad(std::uint64_t size) {
    static const char zeros[tar_block] = {};
    write({zeros, static_cast<std::size_t>((tar_block - size % tar_block) % tar_block)});
}

void TarWriter::directory(const std::string& path) { header(path + "/", '5', 0755, 0); }

void TarWriter::file(const std::string& path, std::string_view bytes) {
    header(path, '0', 0644, bytes.size());
    write(bytes);
    pad(bytes.size());
}

void TarWriter::file(const std::string& path, ByteSource& from, std::uint64_t size) {
    header(path, '0', 0644, size);
    constexpr std::size_t piece = 256 * 1024;
    auto buffer = std::make_unique<char[]>(piece);
    for (std::uint64_t left = size; left > 0;) {
        std::size_t n = from.read(buffer.get(), static_cast<std::size_t>(std::min<std::uint64_t>(left, piece)));
        if (n == 0) throw error(Errc::failed, "{} ends {} bytes early", path, left);
        write({buffer.get(), n});
        left -= n;
    }
    pad(size);
}

void TarWriter::file(const std::string& path, std::uint64_t size, const std::function<void(const Sink&)>& produce) {
    header(path, '0', 0644, size);
    std::uint64_t left = size;
    produce([&](std::string_view bytes) {
        if (bytes.size() > left) throw error(Errc::failed, "{} has more than its {} bytes", path, size);
        write(bytes);
        left -= bytes.size();
    });
    if (left > 0) throw error(Errc::failed, "{} ends {} bytes early", path, left);
    pad(size);
}

void TarWriter::finish() {
    static const char zeros[2 * tar_block] = {};
    write({zeros, sizeof zeros});
}

} // namespace davit::archive
