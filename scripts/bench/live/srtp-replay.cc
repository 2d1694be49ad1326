// Plays recorded RTP as many phones at once: encrypts each packet (SRTP, AEAD_AES_128_GCM, RFC 7714), sends what is due, and
// again what was asked for. In C++ because Node takes 25 us to encrypt a packet, of 400 a second a phone.
//
// Standard input, lines of words: srtp-replay.ts. Standard output, when it is told to end: what was truly sent.
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int kTickMs = 4;
constexpr size_t kHeader = 12, kTag = 16, kKey = 16, kSalt = 12;
constexpr size_t kRing = 2048;
/// What was sent again is not sent once more before its receiver can have got it: a round trip with a queue in it.
constexpr double kResendMs = 100;
constexpr size_t kBatch = 64;

struct Packet { bool marker; std::string payload; };
struct Frame { uint32_t timestamp; uint32_t bytes; std::vector<Packet> packets; };
/// Of every `gop` frames the first is a key frame.
struct Source { uint32_t rate = 0, loopTicks = 0, gop = 0; std::vector<Frame> frames; };
struct Phone { int fd = -1; EVP_CIPHER_CTX* cipher = nullptr; uint8_t salt[kSalt] = {}; };
struct Sent { double captureMs, delayMs; uint32_t bytes; };
struct Stream {
  Phone* phone = nullptr;
  const Source* source = nullptr;
  uint32_t ssrc = 0, firstTimestamp = 0;
  uint8_t payloadType = 0;
  double startMs = 0;
  uint64_t index = 0;  // sequence number with its run-overs (RFC 3711, 3.3.1)
  uint64_t ahead = 0;    // frames left out for key frames that were asked for
  uint64_t frames = 0, packets = 0, nacked = 0, resent = 0;
  std::vector<Sent> sent;
  std::vector<std::string> ring = std::vector<std::string>(kRing);
  std::vector<double> resentMs = std::vector<double>(kRing);
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "srtp-replay: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

double anchorMs = 0;
/// UTC by the bench's anchor (clock.ts).
double clockMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return anchorMs + now.tv_sec * 1000.0 + now.tv_nsec / 1e6;
}

void put16(uint8_t* at, uint32_t value) { at[0] = value >> 8; at[1] = value; }
void put32(uint8_t* at, uint32_t value) { put16(at, value >> 16); put16(at + 2, value); }

uint32_t read32(std::istream& in) {
  uint8_t b[4] = {};
  in.read(reinterpret_cast<char*>(b), 4);
  return uint32_t(b[0]) << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

Source readSource(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Source source;
  source.rate = read32(in);
  source.loopTicks = read32(in);
  source.gop = read32(in);
  source.frames.resize(read32(in));
  for (Frame& frame : source.frames) {
    frame.timestamp = read32(in);
    frame.bytes = read32(in);
    frame.packets.resize(read32(in));
    for (Packet& packet : frame.packets) {
      packet.marker = read32(in) != 0;
      packet.payload.resize(read32(in));
      in.read(packet.payload.data(), packet.payload.size());
    }
  }
  if (!in) fail(path.c_str());
  return source;
}

std::string bytesOf(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// One SRTP packet. The initialisation vector is SSRC, run-overs and sequence number on the salt (RFC 7714, 8.1).
std::string protect(Stream& stream, uint64_t index, const Packet& packet, uint32_t timestamp) {
  std::string out(kHeader + packet.payload.size() + kTag, '\0');
  uint8_t* bytes = reinterpret_cast<uint8_t*>(out.data());
  bytes[0] = 0x80;
  bytes[1] = (packet.marker ? 0x80 : 0) | stream.payloadType;
  put16(bytes + 2, index & 0xffff);
  put32(bytes + 4, timestamp);
  put32(bytes + 8, stream.ssrc);
  uint8_t iv[kSalt] = {};
  put32(iv + 2, stream.ssrc);
  put32(iv + 6, index >> 16);
  put16(iv + 10, index & 0xffff);
  for (size_t i = 0; i < kSalt; i += 1) iv[i] ^= stream.phone->salt[i];
  EVP_CIPHER_CTX* cipher = stream.phone->cipher;
  int length = 0;
  const auto* plain = reinterpret_cast<const uint8_t*>(packet.payload.data());
  EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, iv);
  EVP_EncryptUpdate(cipher, nullptr, &length, bytes, kHeader);
  EVP_EncryptUpdate(cipher, bytes + kHeader, &length, plain, packet.payload.size());
  EVP_EncryptFinal_ex(cipher, bytes + kHeader + length, &length);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kTag, bytes + kHeader + packet.payload.size());
  return out;
}

/// What the socket does not take is lost on the way: it will be asked for.
void sendAll(int fd, const std::vector<const std::string*>& packets) {
  for (size_t at = 0; at < packets.size(); at += kBatch) {
    const size_t count = std::min(kBatch, packets.size() - at);
    iovec parts[kBatch];
    mmsghdr messages[kBatch] = {};
    for (size_t i = 0; i < count; i += 1) {
      parts[i] = {const_cast<char*>(packets[at + i]->data()), packets[at + i]->size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (size_t done = 0; done < count;) {
      const int sent = sendmmsg(fd, messages + done, count - done, 0);
      done += sent > 0 ? sent : 1;
    }
  }
}

/// Send the frames that are due: captured at the stream's beginning and their timestamp, or earlier.
void due(Stream& stream, double nowMs) {
  const Source& source = *stream.source;
  for (;;) {
    const Frame& frame = source.frames[(stream.frames + stream.ahead) % source.frames.size()];
    const uint64_t ticks = source.frames[stream.frames % source.frames.size()].timestamp + stream.frames / source.frames.size() * uint64_t(source.loopTicks);
    const double captureMs = stream.startMs + ticks * 1000.0 / source.rate;
    if (captureMs > nowMs) return;
    std::vector<const std::string*> packets;
    for (const Packet& packet : frame.packets) {
      std::string& slot = stream.ring[stream.index % kRing];
      stream.resentMs[stream.index % kRing] = 0;
      slot = protect(stream, stream.index, packet, uint32_t(stream.firstTimestamp + ticks));
      packets.push_back(&slot);
      stream.index += 1;
    }
    stream.sent.push_back({captureMs, clockMs() - captureMs, frame.bytes});
    sendAll(stream.phone->fd, packets);
    stream.frames += 1;
    stream.packets += packets.size();
  }
}

void resend(Stream& stream, uint32_t sequence) {
  stream.nacked += 1;
  const std::string& kept = stream.ring[sequence % kRing];
  if (kept.size() < kHeader || uint8_t(kept[2]) != sequence >> 8 || uint8_t(kept[3]) != (sequence & 0xff)) return;
  double& lastMs = stream.resentMs[sequence % kRing];
  const double nowMs = clockMs();
  if (nowMs - lastMs < kResendMs) return;
  lastMs = nowMs;
  stream.resent += 1;
  sendAll(stream.phone->fd, {&kept});
}

/// The next frame shall be a key frame; the rhythm stays.
void keyFrame(Stream& stream) {
  const uint64_t gop = stream.source->gop;
  if (gop > 0) stream.ahead += (gop - (stream.frames + stream.ahead) % gop) % gop;
}

std::vector<Source> sources;
std::vector<Phone> phones;
std::vector<Stream> streams;
bool begun = false;

/// False when it is time to end.
bool obey(const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  if (verb == "anchor") words >> anchorMs;
  if (verb == "source") {
    std::string path;
    words >> path;
    sources.push_back(readSource(path));
  }
  if (verb == "phone") {
    Phone phone;
    std::string key, salt;
    words >> phone.fd >> key >> salt;
    key = bytesOf(key);
    salt = bytesOf(salt);
    if (key.size() != kKey || salt.size() != kSalt) fail("key");
    std::memcpy(phone.salt, salt.data(), kSalt);
    phone.cipher = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(phone.cipher, EVP_aes_128_gcm(), nullptr, reinterpret_cast<const uint8_t*>(key.data()), nullptr);
    phones.push_back(phone);
  }
  if (verb == "stream") {
    size_t phone = 0, source = 0;
    unsigned type = 0;
    Stream stream;
    words >> phone >> source >> stream.ssrc >> type >> stream.firstTimestamp >> stream.index >> stream.startMs;
    stream.phone = &phones.at(phone);
    stream.source = &sources.at(source);
    stream.payloadType = type;
    streams.push_back(std::move(stream));
  }
  if (verb == "begin") begun = true;
  if (verb == "nack") {
    size_t stream = 0;
    uint32_t sequence = 0;
    while (words >> stream >> sequence) resend(streams.at(stream), sequence);
  }
  if (verb == "key") {
    size_t stream = 0;
    while (words >> stream) keyFrame(streams.at(stream));
  }
  return verb != "end";
}

void report() {
  for (const Stream& stream : streams) {
    std::printf("stream %llu %llu %llu\n", (unsigned long long)stream.packets, (unsigned long long)stream.nacked, (unsigned long long)stream.resent);
    for (const Sent& sent : stream.sent) std::printf("%.3f %.3f %u\n", sent.captureMs, sent.delayMs, sent.bytes);
  }
}

}  // namespace

int main() {
  phones.reserve(1000);  // streams point at them
  sources.reserve(100);
  std::string pending;
  for (;;) {
    pollfd input = {0, POLLIN, 0};
    if (poll(&input, 1, begun ? kTickMs : -1) > 0) {
      char bytes[65536];
      const ssize_t count = read(0, bytes, sizeof bytes);
      if (count <= 0) return 0;
      pending.append(bytes, count);
      for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
        if (!obey(pending.substr(0, end))) return report(), 0;
    }
    if (!begun) continue;
    const double nowMs = clockMs();
    for (Stream& stream : streams) due(stream, nowMs);
  }
}
