#!/bin/sh
# media.sh - what goes in comes out: ffmpeg and ffprobe judge copies that video_copy made of
# clips made here and, where they are, of real ones.
#
#     media.sh            all of it
#     media.sh made       only the clips made here; real: only the real ones
#     media.sh NAME...    only the tests or clips of these names
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || exit 77
copy=$BIN/tests/video_copy
export LSAN_OPTIONS="suppressions=$SOURCE/tests/lsan.supp:print_suppressions=0"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
wanted=$*
failures=0
checks=0

group=made
is_wanted() { case " ${wanted:-$1} " in *" $1 "* | *" $group "*) true ;; *) false ;; esac; }
fail() { echo "FAIL $*"; failures=$((failures + 1)); }
same() {    # same WHAT EXPECTED FOUND
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: expected $(echo "$2" | head -c 300), found $(echo "$3" | head -c 300)"
}
make() { ffmpeg -v error -y "$@" </dev/null || fail "ffmpeg cannot make a clip for $name"; }     # the last word is the file

# ---- What a file holds -----------------------------------------------------------------------

# Index of the video that is annotated: no cover picture, the default one, then the largest.
video_of() {
    ffprobe -v error -select_streams v -show_entries stream=index,width,height:stream_disposition=default,attached_pic \
        -of csv=p=0 "$1" | awk -F, '{ r = $2 * $3 + ($4 ? 1e12 : 0) + ($5 ? 0 : 1e15); if (r > best) { best = r; i = $1 } } END { print i }'
}
time_base() { ffprobe -v error -select_streams "$(video_of "$1")" -show_entries stream=time_base -of csv=p=0 "$1" | head -1 | tr -d ,; }
# Stamps of every frame in ticks of the time base $2 (NUM/DEN), one a line; one that the file
# does not have comes as long after the last as that after the one before it.
stamps() {
    ffprobe -v error -select_streams "$(video_of "$1")" -show_entries frame=best_effort_timestamp -of csv=p=0 "$1" |
        awk -F, -v from="$(time_base "$1")" -v to="$2" 'BEGIN { split(from, f, "/"); split(to, t, "/") }
            $1 == "" || $1 == "side_data" { next }
            { now = $1 == "N/A" ? last + step : $1 * (f[1] * t[2] / (f[2] * t[1])); printf "%.9g\n", now; step = now - last; last = now }'
}
# MD5 of every stream but the video, in order.
hashes() {
    ffmpeg -v error -i "$1" -map 0 -map "-0:$(video_of "$1")" -c copy ${2:-} -f streamhash -hash md5 - </dev/null 2>/dev/null |
        sed 's/^[0-9]*,//'
}
# MD5 of every decoded frame, upright.
pictures() { ffmpeg -v error -i "$1" -map "0:$(video_of "$1")" -vsync passthrough ${2:-} -f framemd5 - </dev/null | awk -F, '!/^#/ { print $NF }'; }
entries() { ffprobe -v error -show_entries "$2" -of csv=p=0 "$1" | sed 's/,*$//'; }
of_video() { ffprobe -v error -select_streams "$(video_of "$1")" -show_entries "stream=$2" -of csv=p=0 "$1" | sed 's/,*$//;q'; }

# ---- The judgement ------------------------------------------------------------------------------

# copied IN OUT [ARGS]: makes OUT and checks time and streams against IN.
copied() {
    from=$1 to=$2
    shift 2
    if ! "$copy" "$@" "$from" "$to" >log 2>notices; then
        fail "$name: $from: $(cat notices)"
        return 1
    fi
    same "$name: $from: parts left behind" "" "$(find . -name '.*.part' -o -name '.*.whole')"
    tb=$(time_base "$from")
    stamps "$from" "$tb" >expected
    stamps "$to" "$tb" >found
    same "$name: $from: frames" "$(wc -l <expected)" "$(wc -l <found)"
    same "$name: $from: stamps" "$(cat expected)" "$(cat found)"
    same "$name: $from: other streams" "$(hashes "$from")" "$(hashes "$to")"
}

tone='-f lavfi -i sine=f=440:r=48000:d=2'
picture='-f lavfi -i testsrc2=s=160x120:r=25:d=2'

# ---- Time -------------------------------------------------------------------------------------------

name=vfr
if is_wanted $name; then
    make $picture $tone -vf "setpts='if(lt(N,20),N,N*N/20)/25/TB'" -vsync vfr -video_track_timescale 90000 -c:v libx264 -c:a aac vfr.mp4
    copied vfr.mp4 vfr_o.mp4
    make -i vfr.mp4 -c copy vfr.mkv
    copied vfr.mkv vfr_o.mkv
fi
name=ntsc
if is_wanted $name; then
    make -f lavfi -i testsrc2=s=160x120:r=30000/1001:d=2 $tone -c:v libx264 -bf 3 -c:a aac ntsc.mov
    copied ntsc.mov ntsc_o.mov
    make -f lavfi -i testsrc2=s=160x120:r=24000/1001:d=2 -c:v mpeg4 ntsc.avi
    same "$name: extension for avi" mp4 "$("$copy" ntsc.avi ext)"
    copied ntsc.avi ntsc_o.mp4
fi
name=offset     # a start later than zero, an edit list, and sound that starts before zero
if is_wanted $name; then
    make -itsoffset 1.5 $picture $tone -c:v libx264 -bf 2 -c:a aac late.mp4
    copied late.mp4 late_o.mp4
    make $picture -itsoffset -0.2 $tone -c:v libx264 -c:a libopus -copyts -avoid_negative_ts disabled early.mkv
    copied early.mkv early_o.mkv
    same "$name: sound starts" "$(entries early.mkv stream=start_time | tail -1)" "$(entries early_o.mkv stream=start_time | tail -1)"
    make $picture -c:v libx264 -output_ts_offset 3600 hour.ts
    copied hour.ts hour_o.ts
fi
name=single
if is_wanted $name; then
    make -f lavfi -i testsrc2=s=64x48:r=25 -frames:v 1 -c:v libx264 one.mp4
    copied one.mp4 one_o.mp4
    same "$name: duration" "$(entries one.mp4 stream=duration)" "$(entries one_o.mp4 stream=duration)"
fi
name=duration
if is_wanted $name; then
    make $picture -vf "setpts='N*N/25/TB'" -vsync vfr -frames:v 7 -c:v libx264 -bf 0 slow.mp4
    copied slow.mp4 slow_o.mp4
    same "$name" "$(of_video slow.mp4 duration)" "$(of_video slow_o.mp4 duration)"
fi
name=span
if is_wanted $name; then
    make -f lavfi -i testsrc2=s=160x120:r=25:d=8 -f lavfi -i sine=d=8 -c:v libx264 -g 50 -bf 3 -c:a aac span.mp4
    "$copy" -s 3.3 -e 5.7 -c ffv1 span.mp4 span_o.mkv >log 2>notices || fail "$name: $(cat notices)"
    ffmpeg -v error -i span.mp4 -map 0:v -vf "select='gte(t,3.3)*lt(t,5.7)'" -vsync passthrough -f framemd5 - </dev/null |
        awk -F, '!/^#/ { print $NF }' >expected
    same "$name: pictures" "$(cat expected)" "$(pictures span_o.mkv)"
    "$copy" -s 3.3 -e 5.7 span.mp4 span_o.mp4 >log 2>notices || fail "$name: $(cat notices)"
    same "$name: first stamp" 0.020000 "$(of_video span_o.mp4 start_time)"
    same "$name: sound as long" yes "$(entries span_o.mp4 stream=duration | awk '{ d = $1 - 2.4; if (d < -0.05 || d > 0.05) bad = 1 } END { print bad ? "no" : "yes" }')"
    printf ';FFMETADATA1\n' >chapters
    for part in 0,2 2,4 4,6 6,8; do
        printf '[CHAPTER]\nTIMEBASE=1/1\nSTART=%s\nEND=%s\ntitle=from %s\n' "${part%,*}" "${part#*,}" "${part%,*}" >>chapters
    done
    make -i span.mp4 -i chapters -map 0 -map_metadata 1 -c copy chapters.mkv
    for to in mkv mp4; do       # of the first nothing is left, of the second and third a part
        "$copy" -s 3 -e 5.5 chapters.mkv chapters_o.$to >log 2>notices || fail "$name: $(cat notices)"
        same "$name: chapters in $to" '0.000000,1.000000,from 2 1.000000,2.500000,from 4' \
            "$(echo $(ffprobe -v error -show_entries chapter=start_time,end_time:chapter_tags=title -of csv=p=0 chapters_o.$to))"
    done
fi

# ---- Pictures -------------------------------------------------------------------------------------------

name=transparent    # said, not silently lost; not where a picture could be transparent and is not
if is_wanted $name; then
    make -f lavfi -i "color=red:s=64x48:d=0.2,format=rgba,colorchannelmixer=aa=0.5" -frames:v 1 half.png
    make -f lavfi -i "color=red:s=64x48:d=0.2,format=rgba" -frames:v 1 whole.png
    make -f lavfi -i "color=red:s=64x48:d=0.2,format=yuva420p,colorchannelmixer=aa=0.5" -c:v libvpx-vp9 -pix_fmt yuva420p half.webm
    for clip in half.png half.webm whole.png; do
        "$copy" $clip transparent_o.${clip#*.} >log 2>notices || fail "$name: $(cat notices)"
        same "$name: $clip" "$([ $clip = whole.png ] && echo 0 || echo 1)" "$(grep -c transparency notices)"
    done
fi

name=turned
if is_wanted $name; then
    make -f lavfi -i testsrc=s=163x97:r=25:d=0.4 -c:v mjpeg -pix_fmt yuvj420p plain.mov
    for degrees in 90 180 270; do
        make -i plain.mov -c copy -metadata:s:v rotate=$degrees turned$degrees.mov
        copied turned$degrees.mov turned${degrees}_o.mov
        same "$name $degrees: no rotation left" "" "$(entries turned${degrees}_o.mov stream_side_data=rotation)"
        copied turned$degrees.mov turned$degrees.mkv -c ffv1
        same "$name $degrees: pictures" "$(pictures turned$degrees.mov '-pix_fmt yuvj420p')" "$(pictures turned$degrees.mkv)"
    done
fi
name=formats    # every layout of samples goes through a lossless codec unchanged
if is_wanted $name; then
    for format in yuv420p yuv422p yuv444p yuv411p yuv440p gray yuv420p10 yuv422p10 yuv444p12 yuv420p16 gray10 gray16; do
        make -f lavfi -i testsrc=s=99x57:r=25:d=0.2 -c:v ffv1 -pix_fmt $format format.mkv
        copied format.mkv format_o.mkv -c ffv1
        same "$name $format" "$(pictures format.mkv)" "$(pictures format_o.mkv)"
        same "$name $format kept" "$(of_video format.mkv pix_fmt)" "$(of_video format_o.mkv pix_fmt)"
    done
    make -f lavfi -i testsrc=s=99x57:r=25:d=0.2 -c:v ffv1 -pix_fmt bgr0 format.mkv
    copied format.mkv format_o.mkv -c ffv1
    same "$name rgb" "$(pictures format.mkv '-pix_fmt rgb24')" "$(pictures format_o.mkv '-pix_fmt rgb24')"
    make -f lavfi -i testsrc2=s=96x56:r=25:d=0.2 -c:v libx264 -pix_fmt yuv422p format.mp4
    copied format.mp4 format_o.mp4 -c libx264 -q 0
    same "$name x264" "$(pictures format.mp4)" "$(pictures format_o.mp4)"
    make -f lavfi -i testsrc2=s=96x56:r=25:d=0.2 -c:v mjpeg -pix_fmt yuvj420p format.avi
    copied format.avi format_o.mkv -c ffv1
    same "$name full range" "$(pictures format.avi)" "$(pictures format_o.mkv)"
    same "$name full range kept" pc "$(of_video format_o.mkv color_range)"
fi
name=odd
if is_wanted $name; then
    make -f lavfi -i testsrc=s=101x57:r=25:d=0.4 -c:v mjpeg -pix_fmt yuvj420p odd.mov
    copied odd.mov odd_o.mov
    same "$name: size" 102,58 "$(of_video odd_o.mov width,height)"
    same "$name: said" 1 "$(grep -c 'needs even sizes' notices)"
fi
name=hdr
if is_wanted $name; then
    make -f lavfi -i testsrc2=s=128x72:r=25:d=0.4 -pix_fmt yuv420p10 -c:v libx265 -tag:v hvc1 -color_primaries bt2020 -color_trc smpte2084 \
        -colorspace bt2020nc -color_range tv -x265-params 'log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400' hdr.mp4
    copied hdr.mp4 hdr_o.mp4
    what=codec_name,profile,pix_fmt,color_range,color_space,color_transfer,color_primaries,codec_tag_string
    same "$name: tags" "$(of_video hdr.mp4 $what)" "$(of_video hdr_o.mp4 $what)"
    for clip in hdr hdr_o; do
        ffprobe -v error -read_intervals %+#1 -show_frames $clip.mp4 | grep -E '^(red|green|blue|white_point|min|max)_' >$clip.txt
    done
    same "$name: light levels" 12 "$(wc -l <hdr.txt)"
    same "$name: light" "$(cat hdr.txt)" "$(cat hdr_o.txt)"
    make -f lavfi -i testsrc2=s=128x72:r=25:d=0.4 -pix_fmt yuv420p10 -c:v ffv1 deep.mkv
    copied deep.mkv deep_o.mkv -c ffv1
    same "$name: 10 bits" "$(pictures deep.mkv)" "$(pictures deep_o.mkv)"
fi
name=aspect
if is_wanted $name; then
    make $picture -vf setsar=4/3 -c:v libx264 aspect.mp4
    copied aspect.mp4 aspect_o.mp4
    same "$name" 4:3 "$(of_video aspect_o.mp4 sample_aspect_ratio)"
    make -i aspect.mp4 -c copy -metadata:s:v rotate=90 aspect90.mp4
    copied aspect90.mp4 aspect90_o.mp4
    same "$name turned" 120,160,3:4 "$(of_video aspect90_o.mp4 width,height,sample_aspect_ratio)"
fi
name=change
if is_wanted $name; then
    make $picture -c:v libx264 -t 0.4 a.ts
    make -f lavfi -i testsrc2=s=320x180:r=25:d=0.4 -c:v libx264 -output_ts_offset 0.6 b.ts
    cat a.ts b.ts >change.ts
    copied change.ts change_o.ts
    same "$name: size" 160,120 "$(of_video change_o.ts width,height)"
    same "$name: said" 1 "$(grep -c 'the picture changes from 160x120 to 320x180' notices)"
fi

# ---- Streams ----------------------------------------------------------------------------------------------

name=sound
if is_wanted $name; then
    for codec in aac libopus flac mp3 ac3 pcm_s16le; do
        case $codec in pcm*) ext=mov ;; *) ext=mp4 ;; esac
        for container in $ext mkv; do
            make $picture $tone -strict -2 -c:v libx264 -c:a $codec sound.$container
            copied sound.$container sound_o.$container
            same "$name: $codec: extension" $container "$("$copy" sound.$container ext)"
        done
    done
    "$copy" -a sound.mkv silent.mkv >log 2>&1
    same "$name: none asked for" video "$(entries silent.mkv stream=codec_type)"
fi
name=everything     # two sounds, subtitles, chapters, a font, a cover, metadata, languages
if is_wanted $name; then
    printf '1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:01,200 --> 00:00:01,800\nWorld\n' >text.srt
    printf ';FFMETADATA1\ntitle=A title\nartist=Someone\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n' >meta.txt
    head -c 5000 /dev/urandom >font.ttf
    make -f lavfi -i testsrc2=s=64x64 -frames:v 1 cover.png
    make $picture $tone -f lavfi -i sine=f=880:d=2 -i text.srt -i meta.txt -map 0 -map 1 -map 2 -map 3 -map_metadata 4 -c:v libx264 -c:a:0 aac \
        -c:a:1 ac3 -c:s srt -metadata:s:a:0 language=deu -metadata:s:a:1 language=fra -metadata:s:s:0 language=eng -disposition:a:1 default \
        -attach font.ttf -metadata:s:t mimetype=font/ttf all.mkv
    copied all.mkv all_o.mkv
    file=format_tags=title,artist:chapter_tags=title:chapter=start_time,end_time
    streams=stream=codec_name:stream_tags=language,filename,mimetype:stream_disposition=default,attached_pic
    same "$name: metadata" "$(entries all.mkv $file)" "$(entries all_o.mkv $file)"
    same "$name: languages" "$(entries all.mkv $streams)" "$(entries all_o.mkv $streams)"
    "$copy" all.mkv all_o.mp4 >log 2>notices || fail "$name: $(cat notices)"
    same "$name: said what mp4 cannot hold" 2 "$(grep -c 'is left out: MP4' notices)"
    make -i all.mkv -i cover.png -map 0:v -map 0:a -map 0:s -map 1 -c copy -c:s mov_text -disposition:v:1 attached_pic all.mp4
    copied all.mp4 all_p.mp4
    streams=stream=codec_name:stream_tags=language:stream_disposition=default,attached_pic
    same "$name: metadata of mp4" "$(entries all.mp4 $file)" "$(entries all_p.mp4 $file)"
    same "$name: languages of mp4" "$(entries all.mp4 $streams | sort)" "$(entries all_p.mp4 $streams | sort)"
    "$copy" all.mp4 all_p.mkv >log 2>notices || fail "$name: $(cat notices)"
    same "$name: cover in Matroska" "$(pictures cover.png)" "$(ffmpeg -v error -i all_p.mkv -map 0:v:1 -f framemd5 - </dev/null | awk -F, '!/^#/ { print $NF }')"
fi
name=tags       # of phones and cameras
if is_wanted $name; then
    make $picture -c:v libx264 -movflags use_metadata_tags -metadata com.apple.quicktime.make=Swan -metadata location=+48.1+011.5/ \
        -metadata creation_time=2020-02-02T02:02:02Z -metadata com.android.version=12 -timecode 01:00:00:00 tags.mov
    copied tags.mov tags_o.mov
    tags=format_tags=com.apple.quicktime.make,location,creation_time,com.android.version
    same "$name" "$(entries tags.mov $tags)" "$(entries tags_o.mov $tags)"
    same "$name: time code" 01:00:00:00 "$(entries tags_o.mov stream_tags=timecode | sed q)"
    make $picture -c:v libx264 -movflags use_metadata_tags -metadata com.android.version=12 -metadata title=A tags.mp4
    copied tags.mp4 tags_o.mp4
    tags=format_tags=title,com.android.version
    same "$name of mp4" "$(entries tags.mp4 $tags)" "$(entries tags_o.mp4 $tags)"
fi

# ---- Ways in and out ----------------------------------------------------------------------------------------

name=pipe
if is_wanted $name; then
    make $picture $tone -c:v libx264 -c:a aac pipe.mkv
    "$copy" - pipe_o.mkv <pipe.mkv >log 2>notices || fail "$name: $(cat notices)"
    same "$name" "$(stamps pipe.mkv 1/1000)" "$(stamps pipe_o.mkv 1/1000)"
fi
name=photos
if is_wanted $name; then
    for ext in png bmp tiff webp; do
        make -f lavfi -i testsrc=s=99x57 -frames:v 1 -pix_fmt $([ $ext = webp ] && echo bgra || echo rgb24) photo.$ext
        same "$name $ext: extension" png "$("$copy" photo.$ext ext)"
        "$copy" photo.$ext photo_o.png >log 2>notices || fail "$name $ext: $(cat notices)"
        same "$name $ext" "$(pictures photo.$ext '-pix_fmt rgb24')" "$(pictures photo_o.png '-pix_fmt rgb24')"
    done
    make -f lavfi -i testsrc=s=99x57:r=10 -frames:v 5 photo.gif
    same "$name gif: extension" mp4 "$("$copy" photo.gif ext)"
    copied photo.gif photo_o.mp4
fi
name=refusals   # one clear sentence, and no file
if is_wanted $name; then
    refused() {     # refused FILE STATUS PATTERN
        "$copy" "$1" refused.mp4 >log 2>notices && fail "$name: $1 was taken"
        grep -q "^error $2: .*$3" notices || fail "$name: $1: found $(cat notices)"
        same "$name: file left" "" "$(find . -name '*refused*')"
    }
    : >empty.mp4; echo 'This is a text.' >text.mp4; mkdir folder.mp4
    make $tone -c:a aac sound.m4a
    make $picture -c:v libx264 -t 1 short.mp4
    head -c 3000 short.mp4 >cut.mp4
    printf '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/x.ts\n' >list.m3u8
    refused empty.mp4 -3 'is empty'
    refused text.mp4 -3 ''
    refused folder.mp4 -2 'is a folder'
    refused absent.mp4 -2 'No such file'
    refused sound.m4a -3 'no video in it'
    refused cut.mp4 -3 ''
    refused list.m3u8 '-[23]' ''
    "$copy" short.mp4 /nowhere/short.mp4 >log 2>notices && fail "$name: a folder that is not there"
    same "$name: said" 1 "$(grep -c '^error -2: .*No such file' notices)"
    "$copy" -c nonsense short.mp4 refused.mp4 >log 2>notices && fail "$name: a codec that is not there"
    same "$name: said" 1 "$(grep -c "no video encoder 'nonsense'" notices)"
    "$copy" short.mp4 short_o.nothing >log 2>notices && fail "$name: an extension that is not there"
    same "$name: said" 1 "$(grep -c 'no container of that extension' notices)"
    for ext in mkv mp4; do
        (trap '' XFSZ; ulimit -f 20; exec "$copy" -q 0 short.mp4 full.$ext >/dev/null 2>notices) && fail "$name: a full disk"
        same "$name: a full disk is said" 1 "$(grep -c '^error -2: ' notices)"
        same "$name: nothing left of it" "" "$(find . -name '*full*')"
    done
fi

# ---- Killed, and what is left -------------------------------------------------------------------------------------

name=killed
if is_wanted $name; then
    make -f lavfi -i testsrc2=s=160x120:r=25:d=8 -f lavfi -i sine=d=8 -c:v libx264 -c:a aac -bf 2 -video_track_timescale 12800 long.mp4
    make -i long.mp4 -c copy long.mkv
    for ext in mp4 mkv; do
        stamps long.$ext 1/1000 >all
        seed=1
        for i in 1 2 3 4 5 6 7 8 9 10; do
            seed=$(((seed * 1103515245 + 12345) % 2147483648))
            count=$((30 + seed / 65536 % 160))
            "$copy" -k $count long.$ext killed.$ext >log 2>notices
            stamps .killed.$ext.part 1/1000 >left
            checks=$((checks + 1))
            [ $(($(wc -l <left) + 25)) -ge $count ] || fail "$name: $ext: of $count frames $(wc -l <left) are left"
            head -n $(($(wc -l <left) - 3)) left >sure     # of the last three, one may wait for its B-frames
            same "$name: $ext: the stamps of what is left" "$(head -n "$(wc -l <sure)" all)" "$(cat sure)"
            same "$name: $ext: no final name" "" "$(find . -name "killed.$ext")"
            rm -f .killed.$ext.part
        done
    done
fi

# ---- Real clips ------------------------------------------------------------------------------------------------------

group=real
if [ -d "$DATA/videos" ]; then
    for clip in "$DATA"/videos/*; do
        name=$(basename "$clip")
        is_wanted "$name" || continue
        case $name in *.tsv | *.h264) continue ;; esac
        ext=$("$copy" "$clip" ext 2>/dev/null)
        case $name in
        earth.avi)      # its AAC has headers that an mp4 must not have
            "$copy" "$clip" real.$ext >log 2>notices || fail "$name: $(cat notices)"
            same "$name: stamps" "$(stamps "$clip" 1/30)" "$(stamps real.$ext 1/30)"
            same "$name: sound" "$(hashes "$clip" '-bsf:a aac_adtstoasc')" "$(hashes real.$ext)" ;;
        *)  copied "$clip" real.$ext ;;
        esac
        rm -f real.*
        "$copy" -c ffv1 "$clip" real.mkv >log 2>notices || fail "$name: $(cat notices)"
        same "$name: pictures" "$(pictures "$clip")" "$(pictures real.mkv)"
        rm -f real.*
    done
fi
name=damaged
if is_wanted $name && [ -d "$DATA/damaged/mp4" ]; then
    for clip in "$DATA"/damaged/mp4/*; do
        timeout 120 "$copy" "$clip" damaged.mp4 >log 2>notices
        status=$?
        checks=$((checks + 1))
        [ $status -le 1 ] || fail "$name: $(basename "$clip"): status $status: $(tail -3 notices)"
        [ $status -eq 0 ] || grep -q '^error' notices || fail "$name: $(basename "$clip"): no sentence"
        rm -f damaged.mp4
    done
fi

echo "$checks checks, $failures failures"
[ $checks -gt 0 ] || exit 77
[ $failures -eq 0 ]
